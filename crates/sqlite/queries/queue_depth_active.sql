SELECT function, count(*) FROM jobs INDEXED BY jobs_leased WHERE status = 'active' GROUP BY function
