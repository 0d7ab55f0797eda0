SELECT seq, api, instance, at, method, route, status, duration_us, error FROM upnext.api_requests
WHERE seq > $1 AND seq < $2 AND ($3::text IS NULL OR api = $3) AND ($4::smallint IS NULL OR class = $4)
    AND ($5::text IS NULL OR method = $5) AND ($6::text IS NULL OR route = $6)
ORDER BY seq DESC LIMIT $7
