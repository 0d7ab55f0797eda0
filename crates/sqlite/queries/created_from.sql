SELECT created_at FROM artifacts WHERE seq >= ?1 ORDER BY seq LIMIT 1
