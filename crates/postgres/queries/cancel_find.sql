SELECT l.job, l.status, l.gate_key, l.blocked <> 1, l.function, j.job_type, l.started_at
FROM upnext.jobs j JOIN upnext.live l ON l.job = j.seq
WHERE j.id = $1
FOR UPDATE OF l
