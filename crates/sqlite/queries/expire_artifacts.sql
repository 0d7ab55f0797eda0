SELECT id FROM artifacts WHERE expires_at <= ?1 AND pinned = 0 LIMIT ?2
