SELECT seq, status, attempts, worker_id, started_at, completed_at, failure_reason, error, traceback, function,
       idempotency_key, gate_key IS NOT NULL
FROM jobs WHERE id = ?1
