SELECT count(*) FROM jobs INDEXED BY jobs_limited WHERE status = 'active' AND limited = 1 AND function = ?1
