-- What core::transition decided for a job whose attempt ended in any other way than completing.
UPDATE jobs
SET status = ?2, scheduled_at = coalesce(?3, scheduled_at), completed_at = ?4, started_at = ?5, failure_reason = ?6,
    error = ?7, traceback = ?8, losses = ?9, change = ?10, blocked = ?11, lease_token = NULL, lease_expires_at = NULL
WHERE seq = ?1
