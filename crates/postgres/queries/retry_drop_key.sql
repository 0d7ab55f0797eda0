UPDATE upnext.jobs SET idempotency_key = NULL WHERE seq = $1
