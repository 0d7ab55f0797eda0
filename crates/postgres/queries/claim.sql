-- The common claim in one round trip. Does nothing when jobs have become due that have to be moved into the queue first, or
-- when one of the functions has a limit: then the caller goes the longer way. Always answers a row.
--
-- Reads of each function's queue a little more than is wanted, because other claimers may be taking the first ones; locks no
-- more than it takes.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1, upnext.moment()) AS now, set_config('synchronous_commit', 'off', true) AS quick
), due AS MATERIALIZED (
    SELECT scheduled_at FROM upnext.live WHERE status IN ('pending', 'retrying') ORDER BY scheduled_at LIMIT 1
), held AS MATERIALIZED (
    SELECT key, paused FROM upnext.functions WHERE (paused OR limited) AND key = ANY ($2::text[])
), free AS MATERIALIZED (
    SELECT f.function FROM moment, unnest($2::text[]) f (function)
    WHERE NOT EXISTS (SELECT 1 FROM due WHERE scheduled_at <= now)
        AND NOT EXISTS (SELECT 1 FROM held WHERE NOT paused)
        AND NOT EXISTS (SELECT 1 FROM held WHERE key = f.function)
), suspect AS MATERIALIZED (
    SELECT q.job FROM free f, LATERAL (
        SELECT job, priority, scheduled_at FROM upnext.live WHERE status = 'queued' AND blocked = 2 AND function = f.function
        ORDER BY priority DESC, scheduled_at, job LIMIT 1) q
    WHERE $7::boolean
    ORDER BY q.priority DESC, q.scheduled_at, q.job LIMIT 1
), near AS MATERIALIZED (
    SELECT q.job FROM free f, LATERAL (
        SELECT job FROM upnext.live WHERE status = 'queued' AND blocked = 0 AND function = f.function
        ORDER BY priority DESC, scheduled_at, job LIMIT $4::bigint) q
    UNION ALL
    SELECT job FROM suspect
), picked AS MATERIALIZED (
    SELECT l.job, l.priority, l.scheduled_at FROM near n JOIN upnext.live l ON l.job = n.job
    WHERE l.status = 'queued' AND l.blocked <> 1
    ORDER BY l.priority DESC, l.scheduled_at, l.job LIMIT $3::bigint
    FOR UPDATE OF l SKIP LOCKED
), leased AS (
    UPDATE upnext.live l
    SET status = 'active', attempts = l.attempts + 1, worker_id = $5, lease_token = ($8::bigint[])[p.place],
        lease_expires_at = m.now + $6, started_at = m.now, blocked = 0, limited = false, cached = r.key IS NOT NULL
    FROM (SELECT job, row_number() OVER (ORDER BY priority DESC, scheduled_at, job) AS place FROM picked) p
    CROSS JOIN moment m
    JOIN upnext.jobs j ON j.seq = p.job
    LEFT JOIN upnext.results r ON r.function = j.function AND r.key = j.cache_key
        AND (r.expires_at IS NULL OR r.expires_at > m.now)
    WHERE l.job = p.job
    RETURNING j.id, j.function, j.function_name, l.attempts, j.timeout_us, j.retry, j.idempotency_key, j.parent_id, j.root_id,
        l.checkpoint, j.kwargs, l.attempts_base + l.losses - l.losses_base AS written_off, r.result,
        l.losses - l.losses_base >= $9 AS suspect, l.lease_token, l.lease_expires_at, p.place, l.job
), noted AS MATERIALIZED (
    SELECT upnext.note_changes(array_agg(job ORDER BY place)) FROM leased
)
SELECT l.id, l.function, l.function_name, l.attempts, l.timeout_us, l.retry, l.idempotency_key, l.parent_id, l.root_id,
       l.checkpoint, l.kwargs, l.written_off, l.result, l.suspect, l.lease_token, l.lease_expires_at,
       m.now, (SELECT scheduled_at FROM due), EXISTS (SELECT 1 FROM held WHERE NOT paused), (SELECT count(*) FROM near)
FROM moment m CROSS JOIN noted LEFT JOIN leased l ON true
ORDER BY l.place
