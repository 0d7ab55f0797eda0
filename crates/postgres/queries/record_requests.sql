INSERT INTO upnext.api_requests (api, class, instance, at, method, route, status, duration_us, error)
SELECT $1, class, $2, at, method, route, status, duration, error
FROM unnest($3::smallint[], $4::bigint[], $5::text[], $6::text[], $7::integer[], $8::bigint[], $9::text[]) WITH ORDINALITY
    g (class, at, method, route, status, duration, error, place)
ORDER BY place
