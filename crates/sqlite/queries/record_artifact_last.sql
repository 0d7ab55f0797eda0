SELECT created_at FROM artifacts ORDER BY seq DESC LIMIT 1
