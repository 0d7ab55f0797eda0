SELECT l.started_at / 3600000000, count(*) FROM upnext.live l JOIN upnext.jobs j ON j.seq = l.job
WHERE l.status = 'active' AND l.started_at IS NOT NULL AND ($1::text IS NULL OR l.function = $1)
    AND ($2::text IS NULL OR j.job_type = $2)
GROUP BY 1
