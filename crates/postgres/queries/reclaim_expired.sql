SELECT j.id, l.lease_token FROM upnext.live l JOIN upnext.jobs j ON j.seq = l.job
WHERE l.status = 'active' AND l.lease_expires_at <= $1
ORDER BY l.lease_expires_at LIMIT $2
