UPDATE jobs SET status = 'queued', change = ?2, blocked = ?3 WHERE seq = ?1
