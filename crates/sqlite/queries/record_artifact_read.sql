INSERT OR IGNORE INTO artifact_reads (artifact, job)
SELECT a.seq, j.seq FROM artifacts a, jobs j WHERE a.id = ?1 AND j.id = ?2
