-- A job whose end was asked for is left to reclaim_expired, which ends it.
UPDATE upnext.live SET lease_expires_at = 0 WHERE job = ANY ($1::bigint[])
