INSERT INTO upnext.artifact_deletions (change, made, id, job_id, at) VALUES ($1, $2, $3, $4, $5)
