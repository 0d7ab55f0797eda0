SELECT seq, status, attempts, worker_id, started_at, completed_at, failure_reason, error, traceback, function,
       idempotency_key
FROM jobs WHERE id = ?1
