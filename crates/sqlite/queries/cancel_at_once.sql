UPDATE jobs SET status = 'cancelled', completed_at = ?2, failure_reason = 'cancelled', change = ?3 WHERE seq = ?1
