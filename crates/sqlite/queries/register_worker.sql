INSERT OR REPLACE INTO workers
    (id, name, hostname, pid, concurrency, language, version, functions, started_at, last_heartbeat_at, stopped_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, NULL)
