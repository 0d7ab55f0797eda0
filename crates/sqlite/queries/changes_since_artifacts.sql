SELECT a.change, a.id, j.id, a.made FROM artifacts a INDEXED BY artifacts_change JOIN jobs j ON j.seq = a.job
WHERE a.change > ?1 AND a.version > 0 ORDER BY a.change LIMIT ?2
