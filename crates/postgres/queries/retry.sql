-- Earlier attempts stay in history but no longer count against the policy. The idempotency key goes if another
-- unfinished job has taken it over meanwhile.
WITH back AS (DELETE FROM upnext.ended WHERE job = $1 RETURNING *)
INSERT INTO upnext.live (job, status, blocked, function, priority, scheduled_at, started_at, attempts, attempts_base, losses,
    losses_base, worker_id, idempotency_key, gate_key, gate_limit, error, traceback, checkpoint_at, checkpoint)
SELECT b.job, 'queued', $3, j.function, j.priority, $2, b.started_at, b.attempts, b.attempts, b.losses, b.losses, b.worker_id,
    j.idempotency_key, j.gate_key, j.gate_limit, b.error, b.traceback, b.checkpoint_at, b.checkpoint
FROM back b JOIN upnext.jobs j ON j.seq = b.job
