-- They wait behind others with their gate key.
SELECT function, count(*), min(scheduled_at) FROM jobs INDEXED BY jobs_gate
WHERE gate_key IS NOT NULL AND status IN ('queued', 'active') AND blocked = 1 AND status = 'queued'
GROUP BY function
