-- Leases jobs that were chosen one by one, in their order; those that somebody else took meanwhile are left out.
WITH picked AS MATERIALIZED (
    SELECT l.job, g.place FROM unnest($1::bigint[]) WITH ORDINALITY g (job, place) JOIN upnext.live l ON l.job = g.job
    WHERE l.status = 'queued' AND l.blocked <> 1
    ORDER BY l.job
    FOR UPDATE OF l SKIP LOCKED
), leased AS (
    UPDATE upnext.live l
    SET status = 'active', attempts = l.attempts + 1, worker_id = $2, lease_token = ($3::bigint[])[p.place],
        lease_expires_at = $4, started_at = $5, blocked = 0,
        -- A result that comes from another job uses up no limit.
        limited = ($6::boolean[])[p.place] AND r.key IS NULL, cached = r.key IS NOT NULL
    FROM picked p
    JOIN upnext.jobs j ON j.seq = p.job
    LEFT JOIN upnext.results r ON r.function = j.function AND r.key = j.cache_key
        AND (r.expires_at IS NULL OR r.expires_at > $5)
    WHERE l.job = p.job
    RETURNING j.id, j.function, j.function_name, l.attempts, j.timeout_us, j.retry, j.idempotency_key, j.parent_id, j.root_id,
        l.checkpoint, j.kwargs, l.attempts_base + l.losses - l.losses_base AS written_off, r.result,
        l.losses - l.losses_base >= $7 AS suspect, l.lease_token, l.lease_expires_at, p.place, l.job
)
SELECT id, function, function_name, attempts, timeout_us, retry, idempotency_key, parent_id, root_id, checkpoint, kwargs,
       written_off, result, suspect, lease_token, lease_expires_at, job
FROM leased ORDER BY place
