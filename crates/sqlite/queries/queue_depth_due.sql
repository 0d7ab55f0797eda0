SELECT function, sum(status = 'pending'), sum(status = 'retrying') FROM jobs INDEXED BY jobs_due
WHERE status IN ('pending', 'retrying') GROUP BY function
