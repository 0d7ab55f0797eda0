INSERT OR REPLACE INTO api_hours (api, hour, route, method, counters) VALUES (?1, ?2, ?3, ?4, ?5)
