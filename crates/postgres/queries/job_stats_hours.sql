-- Whole hours.
SELECT coalesce(sum(complete), 0)::bigint, coalesce(sum(failed), 0)::bigint, coalesce(sum(cancelled), 0)::bigint,
       coalesce(sum(timed), 0)::bigint, coalesce(sum(duration_us), 0)::bigint
FROM upnext.job_hours WHERE hour >= $1 AND hour < $2 AND ($3::text IS NULL OR function = $3)
