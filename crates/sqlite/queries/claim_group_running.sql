SELECT count(*) FROM functions f INDEXED BY functions_group
JOIN jobs j INDEXED BY jobs_limited ON j.status = 'active' AND j.limited = 1 AND j.function = f.key
WHERE f.routing_group = ?1
