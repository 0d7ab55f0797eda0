-- Read from the index alone, in its own order.
SELECT seq, priority, scheduled_at FROM jobs INDEXED BY jobs_ready
WHERE status = 'queued' AND blocked = 0 AND function = ?1
ORDER BY priority DESC, scheduled_at, seq LIMIT ?2
