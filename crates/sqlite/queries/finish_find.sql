-- The job of an attempt that returned, unless the lease is gone or its end was asked for; whether others hear of its end: those
-- that share its result, wait behind it, or share its limits.
SELECT seq, limited OR gate_key IS NOT NULL OR cache_key IS NOT NULL, cache_key IS NOT NULL, function, job_type
FROM jobs WHERE id = ?1 AND status = 'active' AND lease_token = ?2 AND cancel_requested = 0
