SELECT j.created_at, coalesce(l.status, e.status)
FROM upnext.jobs j LEFT JOIN upnext.live l ON l.job = j.seq LEFT JOIN upnext.ended e ON e.job = j.seq
WHERE j.function = $1 ORDER BY j.created_at DESC LIMIT 1
