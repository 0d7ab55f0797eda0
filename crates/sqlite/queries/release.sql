-- As if the attempt had not been: the job shows the one before it again, if there was one. A job whose end was asked
-- for is left to reclaim_expired, which ends it.
UPDATE jobs
SET status = 'queued', attempts = attempts - 1, lease_token = NULL, lease_expires_at = NULL, change = ?3,
    blocked = CASE WHEN losses - losses_base >= ?4 THEN 2 ELSE 0 END,
    (worker_id, started_at) =
        (SELECT a.worker_id, a.started_at FROM attempts a WHERE a.job = jobs.seq AND a.number = jobs.attempts - 1)
WHERE id = ?1 AND status = 'active' AND lease_token = ?2 AND cancel_requested = 0
