SELECT status, scheduled_at, started_at, completed_at FROM jobs
WHERE function = ?1 AND created_at >= ?2 AND status IN ('complete', 'failed')
ORDER BY created_at DESC LIMIT ?3
