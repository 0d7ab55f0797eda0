-- The rest of an hour that is not asked for as a whole.
SELECT coalesce(sum(status = 'complete'), 0), coalesce(sum(status = 'failed'), 0), coalesce(sum(status = 'cancelled'), 0),
       coalesce(sum(status IN ('complete', 'failed') AND started_at IS NOT NULL), 0),
       coalesce(sum(CASE WHEN status IN ('complete', 'failed') THEN max(0, completed_at - started_at) END), 0)
FROM jobs INDEXED BY jobs_completed
WHERE completed_at IS NOT NULL AND completed_at >= ?1 AND completed_at < ?2 AND (?3 IS NULL OR function = ?3)
