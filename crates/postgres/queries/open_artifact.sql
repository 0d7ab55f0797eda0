-- An artifact that is being written, and whether the given lease may write it.
SELECT a.seq, a.job, a.version, a.size_bytes, a.name, j.id, b.sha256,
       coalesce(CASE WHEN a.attempt = 0 THEN $2::bigint IS NULL
           ELSE l.status = 'active' AND l.attempts = a.attempt AND l.lease_token = $2 END, false)
FROM upnext.artifacts a JOIN upnext.jobs j ON j.seq = a.job LEFT JOIN upnext.live l ON l.job = a.job
LEFT JOIN upnext.blobs b ON b.blob = a.blob
WHERE a.id = $1
