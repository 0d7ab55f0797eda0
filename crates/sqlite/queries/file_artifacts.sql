UPDATE artifacts SET filed = 1 WHERE seq > ?1 AND seq <= ?2 AND version > 0
