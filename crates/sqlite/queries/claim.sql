UPDATE jobs
SET status = 'active', attempts = attempts + 1, worker_id = ?2, lease_token = ?3, lease_expires_at = ?4,
    started_at = ?5, change = ?6, limited = ?7,
    blocked = 0
WHERE seq = ?1
