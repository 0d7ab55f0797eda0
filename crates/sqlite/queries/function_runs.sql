-- Runs of the last day; jobs that wait for a worker, among them those that became due but no claim has moved on yet.
SELECT (SELECT count(*) FROM jobs WHERE function = ?1 AND created_at >= ?2),
       (SELECT count(*) FROM jobs WHERE status = 'queued' AND function = ?1)
     + (SELECT count(*) FROM jobs INDEXED BY jobs_due
        WHERE status IN ('pending', 'retrying') AND scheduled_at <= ?3 AND function = ?1)
