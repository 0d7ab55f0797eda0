INSERT INTO upnext.api_instances AS i
    (id, api, hostname, pid, host, port, version, started_at, last_heartbeat_at, stopped_at, dropped)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, CASE WHEN $9 THEN $8 END, $10)
ON CONFLICT (id) DO UPDATE SET api = excluded.api, hostname = excluded.hostname, pid = excluded.pid, host = excluded.host,
    port = excluded.port, version = excluded.version, last_heartbeat_at = excluded.last_heartbeat_at,
    stopped_at = excluded.stopped_at, dropped = i.dropped + excluded.dropped
