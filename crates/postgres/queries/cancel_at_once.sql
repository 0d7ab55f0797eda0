WITH gone AS (DELETE FROM upnext.live WHERE job = $1 RETURNING *)
INSERT INTO upnext.ended (job, status, completed_at, scheduled_at, started_at, attempts, attempts_base, losses, losses_base,
    cancel_requested, worker_id, lease_token, progress, progress_message, failure_reason, error, traceback, checkpoint_at,
    checkpoint, result)
SELECT job, 'cancelled', $2, scheduled_at, started_at, attempts, attempts_base, losses, losses_base, cancel_requested,
    worker_id, NULL, progress, progress_message, 'cancelled', error, traceback, checkpoint_at, checkpoint, NULL
FROM gone
