INSERT OR IGNORE INTO artifacts_by_name (name, seq) SELECT name, seq FROM artifacts WHERE seq = ?1 AND latest = 1
