-- The last of the next artifacts to put on the shelves.
SELECT max(seq) FROM (SELECT seq FROM artifacts WHERE seq > ?1 ORDER BY seq LIMIT ?2)
