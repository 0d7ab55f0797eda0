SELECT api, hour, route, method, counters FROM api_hours
WHERE hour >= ?1 AND (?2 IS NULL OR api = ?2)
