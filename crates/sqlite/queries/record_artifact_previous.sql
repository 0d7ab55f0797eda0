SELECT seq, version FROM artifacts WHERE job = ?1 AND name = ?2 AND version > 0 ORDER BY version DESC LIMIT 1
