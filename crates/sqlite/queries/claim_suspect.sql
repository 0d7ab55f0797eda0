-- The next job that must not lose one more worker: read from the index alone.
SELECT seq, priority, scheduled_at FROM jobs INDEXED BY jobs_suspect
WHERE status = 'queued' AND blocked = 2 AND function = ?1
ORDER BY priority DESC, scheduled_at, seq LIMIT 1
