UPDATE jobs SET checkpoint = ?3, checkpoint_at = ?4, change = ?5
WHERE id = ?1 AND status = 'active' AND lease_token = ?2
