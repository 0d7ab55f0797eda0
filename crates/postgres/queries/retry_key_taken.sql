SELECT EXISTS (SELECT 1 FROM upnext.live WHERE function = $1 AND idempotency_key = $2 AND idempotency_key IS NOT NULL)
