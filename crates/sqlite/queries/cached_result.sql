SELECT result FROM results WHERE function = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)
