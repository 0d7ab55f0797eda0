SELECT api, hour, route, method, counters FROM upnext.api_hours
WHERE hour >= $1 AND ($2::text IS NULL OR api = $2)
