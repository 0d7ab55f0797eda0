SELECT count(*) FROM upnext.live l JOIN upnext.jobs j ON j.seq = l.job
WHERE ($3::text IS NULL OR l.function = $3) AND ($1::bigint IS NULL OR j.created_at >= $1)
    AND ($2::bigint IS NULL OR j.created_at < $2)
