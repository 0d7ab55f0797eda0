-- A renewal that was under way while the worker said goodbye does not bring it back.
UPDATE upnext.workers SET last_heartbeat_at = $2, memory_bytes = $3 WHERE id = $1 AND stopped_at IS NULL
