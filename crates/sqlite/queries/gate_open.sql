UPDATE jobs SET blocked = 0 WHERE seq = ?1
