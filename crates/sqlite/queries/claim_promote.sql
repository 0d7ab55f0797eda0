UPDATE jobs SET status = 'queued', change = ?2 WHERE seq = ?1
