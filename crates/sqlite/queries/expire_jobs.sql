SELECT id FROM jobs
WHERE completed_at < ?1 AND status IN ('complete', 'failed', 'cancelled')
    AND NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.job = jobs.seq AND a.pinned = 1)
LIMIT ?2
