UPDATE jobs
SET status = 'complete', started_at = ?2, completed_at = ?3, result = ?4, change = ?5, progress = 1,
    lease_token = NULL, lease_expires_at = NULL, failure_reason = NULL, error = NULL, traceback = NULL
WHERE seq = ?1
