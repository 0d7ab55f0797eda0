-- The first result is shared until its time is over; those that come meanwhile are not.
INSERT INTO upnext.results AS r (function, key, expires_at, result)
SELECT DISTINCT ON (j.function, j.cache_key) j.function, j.cache_key, $2 + j.cache_ttl_us, e.result
FROM upnext.jobs j JOIN upnext.ended e ON e.job = j.seq
WHERE j.seq = ANY ($1::bigint[]) AND j.cache_key IS NOT NULL AND e.result IS NOT NULL
ORDER BY j.function, j.cache_key, j.seq
ON CONFLICT (function, key) DO UPDATE SET expires_at = excluded.expires_at, result = excluded.result WHERE r.expires_at <= $2
