SELECT e.status, e.scheduled_at, e.started_at, e.completed_at
FROM upnext.jobs j JOIN upnext.ended e ON e.job = j.seq
WHERE j.function = $1 AND j.created_at >= $2 AND e.status IN ('complete', 'failed')
ORDER BY j.created_at DESC LIMIT $3
