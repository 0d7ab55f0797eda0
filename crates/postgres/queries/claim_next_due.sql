SELECT scheduled_at FROM upnext.live WHERE status IN ('pending', 'retrying') ORDER BY scheduled_at LIMIT 1
