-- Runs of the last day; jobs that wait for a worker, among them those that wait behind others with their key, and those that
-- became due but no claim has moved on yet.
SELECT (SELECT count(*) FROM jobs WHERE function = ?1 AND created_at >= ?2),
       (SELECT count(*) FROM jobs WHERE status = 'queued' AND blocked = 0 AND function = ?1)
     + (SELECT count(*) FROM jobs WHERE status = 'queued' AND blocked = 2 AND function = ?1)
     + (SELECT count(*) FROM jobs INDEXED BY jobs_gate
        WHERE gate_key IS NOT NULL AND status IN ('queued', 'active') AND function = ?1 AND blocked = 1)
     + (SELECT count(*) FROM jobs INDEXED BY jobs_due
        WHERE status IN ('pending', 'retrying') AND scheduled_at <= ?3 AND function = ?1)
