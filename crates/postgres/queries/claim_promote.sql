UPDATE upnext.live l SET status = 'queued', blocked = g.blocked
FROM unnest($1::bigint[], $2::smallint[]) g (job, blocked) WHERE l.job = g.job
