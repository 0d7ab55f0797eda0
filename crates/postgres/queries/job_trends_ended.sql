SELECT hour, sum(complete)::bigint, sum(failed)::bigint, sum(retrying)::bigint FROM upnext.job_hours
WHERE hour >= $1 AND ($2::text IS NULL OR function = $2) AND ($3::text IS NULL OR job_type = $3)
GROUP BY hour
