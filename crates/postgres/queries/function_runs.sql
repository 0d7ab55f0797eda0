-- Runs of the last day; jobs that wait for a worker, among them those that wait behind others with their key, and those that
-- became due but no claim has moved on yet.
SELECT (SELECT count(*) FROM upnext.jobs WHERE function = $1 AND created_at >= $2),
       (SELECT count(*) FROM upnext.live WHERE function = $1
            AND (status = 'queued' OR status IN ('pending', 'retrying') AND scheduled_at <= $3))
