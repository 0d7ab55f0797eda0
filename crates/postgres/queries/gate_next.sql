SELECT job, gate_limit FROM upnext.live
WHERE gate_key IS NOT NULL AND function = $1 AND gate_key = $2 AND status = 'queued' AND blocked = 1
ORDER BY priority DESC, scheduled_at, job LIMIT 1 FOR UPDATE
