-- Earlier attempts stay in history but no longer count against the policy. The idempotency key goes if another
-- unfinished job has taken it over meanwhile.
UPDATE jobs
SET status = 'queued', scheduled_at = ?2, completed_at = NULL, attempts_base = attempts, losses_base = losses,
    cancel_requested = 0, failure_reason = NULL, progress = 0, progress_message = NULL, change = ?3,
    idempotency_key = CASE WHEN ?4 THEN NULL ELSE idempotency_key END, blocked = ?5
WHERE seq = ?1
