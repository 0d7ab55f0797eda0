-- The first result is shared until its time is over; those that come meanwhile are not.
INSERT INTO results (function, key, expires_at, result)
SELECT function, cache_key, ?2 + cache_ttl_us, result FROM jobs WHERE seq = ?1
ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at, result = excluded.result WHERE expires_at <= ?2
