DELETE FROM api_hours WHERE hour < ?1
