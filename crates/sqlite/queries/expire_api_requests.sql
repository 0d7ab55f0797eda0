DELETE FROM api_requests WHERE at < ?1
