UPDATE functions SET paused = ?2 WHERE key = ?1
