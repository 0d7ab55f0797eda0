-- They must not lose one more worker, and are run beside no other such job.
SELECT function, count(*), min(scheduled_at) FROM jobs INDEXED BY jobs_suspect WHERE status = 'queued' AND blocked = 2
GROUP BY function
