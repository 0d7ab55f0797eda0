-- What one ended job counts for.
SELECT j.function, j.job_type, e.status, e.started_at, e.completed_at
FROM upnext.ended e JOIN upnext.jobs j ON j.seq = e.job WHERE e.job = $1
