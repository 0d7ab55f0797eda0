INSERT INTO api_requests (api, class, instance, at, method, route, status, duration_us, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
