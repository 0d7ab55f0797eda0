-- Delayed and retrying jobs whose time has come.
SELECT seq, gate_key IS NOT NULL FROM jobs INDEXED BY jobs_due
WHERE status IN ('pending', 'retrying') AND scheduled_at <= ?1
ORDER BY scheduled_at LIMIT ?2
