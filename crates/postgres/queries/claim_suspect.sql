-- The next job that must not lose one more worker.
SELECT job, priority, scheduled_at FROM upnext.live
WHERE status = 'queued' AND blocked = 2 AND function = $1
ORDER BY priority DESC, scheduled_at, job LIMIT 1
