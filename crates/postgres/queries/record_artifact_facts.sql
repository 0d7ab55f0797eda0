-- The jobs artifacts are for, whether the leases may write to them, and what was recorded before under the same id or key.
SELECT g.place, j.seq, j.function, coalesce(l.attempts, e.attempts),
       coalesce(l.status = 'active' AND l.lease_token = g.token, false), a.id, a.name, b.sha256, s.id IS NOT NULL
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[]) WITH ORDINALITY g (job_id, token, id, key, place)
JOIN upnext.jobs j ON j.id = g.job_id
LEFT JOIN upnext.live l ON l.job = j.seq
LEFT JOIN upnext.ended e ON e.job = j.seq
LEFT JOIN upnext.artifacts s ON s.id = g.id
LEFT JOIN upnext.artifacts a ON a.job = j.seq AND a.key = g.key AND a.key IS NOT NULL
LEFT JOIN upnext.blobs b ON b.blob = a.blob
