INSERT OR IGNORE INTO artifacts_by_function (function, name, seq, latest)
SELECT function, name, seq, latest FROM artifacts WHERE seq = ?1 AND version > 0
