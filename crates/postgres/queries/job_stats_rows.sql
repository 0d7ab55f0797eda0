-- The rest of an hour that is not asked for as a whole.
SELECT count(*) FILTER (WHERE e.status = 'complete'), count(*) FILTER (WHERE e.status = 'failed'),
       count(*) FILTER (WHERE e.status = 'cancelled'),
       count(*) FILTER (WHERE e.status IN ('complete', 'failed') AND e.started_at IS NOT NULL),
       coalesce(sum(greatest(0, e.completed_at - e.started_at))
           FILTER (WHERE e.status IN ('complete', 'failed') AND e.started_at IS NOT NULL), 0)::bigint
FROM upnext.ended e JOIN upnext.jobs j ON j.seq = e.job
WHERE e.completed_at >= $1 AND e.completed_at < $2 AND ($3::text IS NULL OR j.function = $3)
