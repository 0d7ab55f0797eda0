SELECT pg_advisory_xact_lock(hashtextextended('upnext.record_requests', 0))
