-- The last one first: they are taken from the end.
SELECT seq FROM artifacts NOT INDEXED WHERE seq > ?1 AND seq <= ?2 AND latest = 1 ORDER BY name DESC, seq DESC
