-- Takes note of jobs that came with transactions of others: which of them nobody has numbered since, and which wait for a place
-- at a gate.
WITH chosen AS MATERIALIZED (
    SELECT job FROM upnext.arrivals ORDER BY job LIMIT $1 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM upnext.arrivals a USING chosen c WHERE a.job = c.job RETURNING a.job
)
SELECT g.job, c.job IS NULL AND j.seq IS NOT NULL,
       coalesce(l.status = 'pending' AND l.gate_key IS NOT NULL AND l.scheduled_at <= $2, false)
FROM gone g LEFT JOIN upnext.jobs j ON j.seq = g.job LEFT JOIN upnext.live l ON l.job = g.job
LEFT JOIN upnext.job_changes c ON c.job = g.job
ORDER BY g.job
