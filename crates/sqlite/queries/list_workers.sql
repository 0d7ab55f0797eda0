SELECT w.id, w.name, w.hostname, w.pid, w.concurrency, w.language, w.version, w.functions, w.started_at,
       w.last_heartbeat_at, w.stopped_at, coalesce(a.active, 0), w.memory_bytes
FROM workers w
LEFT JOIN (SELECT worker_id, count(*) AS active FROM jobs WHERE status = 'active' GROUP BY worker_id) a
       ON a.worker_id = w.id
WHERE w.last_heartbeat_at >= ?1
ORDER BY w.started_at DESC, w.id
