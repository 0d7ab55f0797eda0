-- The last of the next artifacts to file, and how many there are up to it.
SELECT max(seq), count(*) FROM (SELECT seq FROM artifacts WHERE seq > ?1 ORDER BY seq LIMIT ?2)
