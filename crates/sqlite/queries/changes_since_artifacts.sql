-- Artifacts that did not change since they were made. (In a file of an older version numbers can meet by chance.)
SELECT a.seq, a.id, j.id, a.made > ?1 FROM artifacts a NOT INDEXED JOIN jobs j ON j.seq = a.job
WHERE a.seq > ?1 AND a.seq <= ?3 AND a.change = a.seq AND a.version > 0 AND (a.made = a.change OR a.made <= ?1)
ORDER BY a.seq LIMIT ?2
