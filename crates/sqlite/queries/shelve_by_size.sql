INSERT OR IGNORE INTO artifacts_by_size (size_bytes, seq) SELECT size_bytes, seq FROM artifacts WHERE seq = ?1 AND latest = 1
