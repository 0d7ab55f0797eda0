INSERT INTO jobs (id, status, function, function_name, job_type, priority, created_at, scheduled_at, timeout_us, retry,
                  change, idempotency_key, parent_id, root_id, source, kwargs, gate_key, gate_limit, blocked, cache_key,
                  cache_ttl_us, tags)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
-- A repeated call of the same submission makes no second job.
ON CONFLICT (id) DO NOTHING
