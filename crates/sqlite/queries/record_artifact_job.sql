-- The job an artifact is for, whether the lease may write to it, and whether this artifact was recorded before.
SELECT seq, function, attempts, status = 'active' AND lease_token IS ?2, EXISTS (SELECT 1 FROM artifacts WHERE id = ?3)
FROM jobs WHERE id = ?1
