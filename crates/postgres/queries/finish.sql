-- Jobs that reached a final status move from what lives to what has ended.
WITH gone AS (
    DELETE FROM upnext.live l
    USING unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[])
        g (job, status, started_at, failure_reason, error, traceback, losses, result)
    WHERE l.job = g.job
    RETURNING l.job, g.status, l.scheduled_at, g.started_at, l.attempts, l.attempts_base, g.losses, l.losses_base,
        l.cancel_requested, l.worker_id, l.lease_token, l.progress, l.progress_message, g.failure_reason, g.error, g.traceback,
        l.checkpoint_at, l.checkpoint, g.result
)
INSERT INTO upnext.ended (job, status, completed_at, scheduled_at, started_at, attempts, attempts_base, losses, losses_base,
    cancel_requested, worker_id, lease_token, progress, progress_message, failure_reason, error, traceback, checkpoint_at,
    checkpoint, result)
SELECT job, status, $9, scheduled_at, started_at, attempts, attempts_base, losses, losses_base, cancel_requested, worker_id,
    lease_token, CASE WHEN status = 'complete' THEN 1 ELSE progress END, progress_message, failure_reason, error, traceback,
    checkpoint_at, checkpoint, result
FROM gone
