UPDATE jobs SET lease_expires_at = 0 WHERE id = ?1 AND status = 'active' AND lease_token = ?2
