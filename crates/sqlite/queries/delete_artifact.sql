DELETE FROM artifacts WHERE id = ?1
RETURNING seq, job, name, latest, blob, version, made, (SELECT id FROM jobs j WHERE j.seq = job)
