SELECT job, priority, scheduled_at FROM upnext.live
WHERE status = 'queued' AND blocked = 0 AND function = $1
ORDER BY priority DESC, scheduled_at, job LIMIT $2
