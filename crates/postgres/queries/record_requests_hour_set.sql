INSERT INTO upnext.api_hours (api, hour, route, method, counters) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (api, hour, route, method) DO UPDATE SET counters = excluded.counters
