SELECT seq, status, (SELECT a.id FROM artifacts a WHERE a.job = jobs.seq AND a.pinned = 1 LIMIT 1) FROM jobs WHERE id = ?1
