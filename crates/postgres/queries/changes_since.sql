SELECT c.change, j.id, coalesce(l.status, e.status)
FROM upnext.job_changes c JOIN upnext.jobs j ON j.seq = c.job
LEFT JOIN upnext.live l ON l.job = c.job LEFT JOIN upnext.ended e ON e.job = c.job
WHERE c.change > $1 ORDER BY c.change LIMIT $2
