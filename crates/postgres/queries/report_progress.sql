UPDATE upnext.live l SET progress = g.fraction, progress_message = coalesce(g.message, l.progress_message)
FROM unnest($1::bigint[], $2::double precision[], $3::text[]) g (job, fraction, message) WHERE l.job = g.job
