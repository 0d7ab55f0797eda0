-- Delayed and retrying jobs whose time has come, in the order of their times; locked in the order of the jobs.
WITH due AS MATERIALIZED (
    SELECT job, scheduled_at FROM upnext.live WHERE status IN ('pending', 'retrying') AND scheduled_at <= $1
    ORDER BY scheduled_at, job LIMIT $2
), locked AS MATERIALIZED (
    SELECT l.job, l.scheduled_at, l.function, l.gate_key, l.gate_limit FROM due d JOIN upnext.live l ON l.job = d.job
    WHERE l.status IN ('pending', 'retrying') AND l.scheduled_at <= $1
    ORDER BY l.job FOR UPDATE OF l
)
SELECT job, function, gate_key, gate_limit FROM locked ORDER BY scheduled_at, job
