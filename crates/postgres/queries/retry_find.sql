SELECT e.job, e.status, e.attempts, e.worker_id, e.started_at, e.completed_at, e.failure_reason, e.error, e.traceback,
       j.function, j.idempotency_key, j.gate_key, j.gate_limit, j.job_type
FROM upnext.jobs j JOIN upnext.ended e ON e.job = j.seq
WHERE j.id = $1
FOR UPDATE OF e
