-- As if the attempt had not been: the job shows the one before it again, if there was one.
UPDATE upnext.live l
SET status = 'queued', attempts = l.attempts - 1, lease_token = NULL, lease_expires_at = NULL, limited = false, cached = false,
    blocked = CASE WHEN l.losses - l.losses_base >= $2 THEN 2 ELSE 0 END,
    worker_id = (SELECT a.worker_id FROM upnext.attempts a WHERE a.job = l.job AND a.number = l.attempts - 1),
    started_at = (SELECT a.started_at FROM upnext.attempts a WHERE a.job = l.job AND a.number = l.attempts - 1)
WHERE l.job = ANY ($1::bigint[])
