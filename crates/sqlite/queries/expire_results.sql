DELETE FROM results WHERE rowid IN
    (SELECT rowid FROM results INDEXED BY results_expiry WHERE expires_at IS NOT NULL AND expires_at <= ?1 LIMIT ?2)
