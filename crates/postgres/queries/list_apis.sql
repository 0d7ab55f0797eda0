SELECT id, api, hostname, pid, host, port, version, started_at, last_heartbeat_at, stopped_at, dropped
FROM upnext.api_instances WHERE last_heartbeat_at >= $1 ORDER BY started_at DESC, id COLLATE "C"
