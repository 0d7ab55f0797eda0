-- Found by the jobs: `|| ''` keeps the planner from walking the index of all that run.
WITH held AS MATERIALIZED (
    SELECT l.job, j.id, l.lease_token
    FROM unnest($1::uuid[], $2::bigint[]) g (id, token)
    JOIN upnext.jobs j ON j.id = g.id
    JOIN upnext.live l ON l.job = j.seq
    WHERE l.status || '' = 'active' AND l.lease_token = g.token
    ORDER BY l.job
    FOR NO KEY UPDATE OF l
)
UPDATE upnext.live l SET lease_expires_at = $3 FROM held h
WHERE l.job = h.job
RETURNING h.id, h.lease_token, l.cancel_requested
