SELECT counters FROM upnext.api_hours WHERE api = $1 AND hour = $2 AND route = $3 AND method = $4
