-- An artifact that is being written, and whether the given lease may write it.
SELECT a.seq, a.job, a.attempt, a.version, a.size_bytes, a.name, j.id, b.sha256,
       CASE WHEN a.attempt = 0 THEN ?2 IS NULL
            ELSE j.status = 'active' AND j.attempts = a.attempt AND j.lease_token IS ?2 END
FROM artifacts a JOIN jobs j ON j.seq = a.job LEFT JOIN blobs b ON b.blob = a.blob
WHERE a.id = ?1
