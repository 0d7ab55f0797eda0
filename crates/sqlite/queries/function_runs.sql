SELECT (SELECT count(*) FROM jobs WHERE function = ?1 AND created_at >= ?2),
       (SELECT count(*) FROM jobs WHERE status = 'queued' AND function = ?1)
