SELECT function, sum(complete)::bigint, sum(failed)::bigint, sum(cancelled)::bigint, sum(timed)::bigint,
       sum(duration_us)::bigint
FROM upnext.job_hours WHERE hour >= $1 GROUP BY function ORDER BY function
