INSERT INTO logs (job, attempt, at, level, message, extra)
SELECT seq, attempts, ?3, ?4, ?5, ?6 FROM jobs WHERE id = ?1 AND status = 'active' AND lease_token = ?2
