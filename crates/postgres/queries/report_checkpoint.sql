UPDATE upnext.live l SET checkpoint = g.state, checkpoint_at = $3
FROM unnest($1::bigint[], $2::text[]) g (job, state) WHERE l.job = g.job
