-- What core::transition decided for jobs that go on.
UPDATE upnext.live l
SET status = g.status, scheduled_at = coalesce(g.scheduled_at, l.scheduled_at), started_at = g.started_at,
    failure_reason = g.failure_reason, error = g.error, traceback = g.traceback, losses = g.losses, blocked = g.blocked,
    lease_token = NULL, lease_expires_at = NULL, limited = false
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::integer[],
            $9::smallint[]) g (job, status, scheduled_at, started_at, failure_reason, error, traceback, losses, blocked)
WHERE l.job = g.job
