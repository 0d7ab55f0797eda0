-- What one ended job counts for.
SELECT function, job_type, status, started_at, completed_at FROM jobs WHERE seq = ?1 AND completed_at IS NOT NULL
