-- The attempts that hold these leases, locked in the order of the jobs. Found by the jobs: `|| ''` keeps the planner from
-- walking the index of all that run, which is full of those that ended since it was last cleaned.
SELECT g.place, l.job, j.id, l.lease_token, l.attempts, l.attempts_base, l.losses, l.losses_base, j.retry, l.cancel_requested,
       l.started_at, l.worker_id, l.limited, l.gate_key, l.function, j.job_type, j.cache_key IS NOT NULL AND NOT l.cached,
       l.scheduled_at
FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY g (id, token, place)
JOIN upnext.jobs j ON j.id = g.id
JOIN upnext.live l ON l.job = j.seq
WHERE l.status || '' = 'active' AND l.lease_token = g.token
ORDER BY l.job
FOR UPDATE OF l
