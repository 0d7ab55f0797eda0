SELECT seq, api, instance, at, method, route, status, duration_us, error FROM api_requests
WHERE seq > ?1 AND seq < ?2 AND (?3 IS NULL OR api = ?3) AND (?4 IS NULL OR class = ?4)
    AND (?5 IS NULL OR method = ?5) AND (?6 IS NULL OR route = ?6)
ORDER BY seq DESC LIMIT ?7
