UPDATE artifacts SET latest = 0 WHERE seq = ?1
