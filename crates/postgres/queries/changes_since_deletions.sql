-- Whoever never saw the artifact need not hear that it is gone.
SELECT change, id, job_id, at FROM upnext.artifact_deletions WHERE change > $1 AND change <= $3 AND made <= $1
ORDER BY change LIMIT $2
