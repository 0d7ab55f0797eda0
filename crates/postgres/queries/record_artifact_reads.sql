INSERT INTO upnext.artifact_reads (artifact, job)
SELECT DISTINCT a.seq, j.seq FROM unnest($1::uuid[], $2::uuid[]) g (artifact, job)
JOIN upnext.artifacts a ON a.id = g.artifact JOIN upnext.jobs j ON j.id = g.job
ON CONFLICT DO NOTHING
