UPDATE jobs SET cancel_requested = 1, change = ?2 WHERE seq = ?1
