-- The terms repeat those of the partial index jobs_idempotency, or SQLite would not use it.
SELECT id FROM jobs
WHERE function = ?1 AND idempotency_key = ?2 AND idempotency_key IS NOT NULL
  AND status IN ('pending', 'queued', 'active', 'retrying')
