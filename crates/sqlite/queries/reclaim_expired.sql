SELECT id, lease_token FROM jobs INDEXED BY jobs_leased
WHERE status = 'active' AND lease_expires_at <= ?1
ORDER BY lease_expires_at LIMIT ?2
