SELECT function, count(*), min(scheduled_at) FROM jobs INDEXED BY jobs_ready WHERE status = 'queued' AND blocked = 0
GROUP BY function
