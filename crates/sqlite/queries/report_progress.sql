UPDATE jobs SET progress = ?3, progress_message = coalesce(?4, progress_message), change = ?5
WHERE id = ?1 AND status = 'active' AND lease_token = ?2
