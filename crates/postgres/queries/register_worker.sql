INSERT INTO upnext.workers
    (id, name, hostname, pid, concurrency, language, version, functions, started_at, last_heartbeat_at, stopped_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, NULL)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, hostname = excluded.hostname, pid = excluded.pid, concurrency = excluded.concurrency,
    language = excluded.language, version = excluded.version, functions = excluded.functions,
    started_at = excluded.started_at, last_heartbeat_at = excluded.last_heartbeat_at, stopped_at = NULL
