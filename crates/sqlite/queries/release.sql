-- As if the attempt had not been. A job whose end was asked for is left to reclaim_expired, which ends it.
UPDATE jobs
SET status = 'queued', attempts = attempts - 1, worker_id = NULL, started_at = NULL, lease_token = NULL,
    lease_expires_at = NULL, change = ?3
WHERE id = ?1 AND status = 'active' AND lease_token = ?2 AND cancel_requested = 0
