DELETE FROM upnext.results WHERE (function, key) IN
    (SELECT function, key FROM upnext.results WHERE expires_at IS NOT NULL AND expires_at <= $1
     ORDER BY function, key LIMIT $2 FOR UPDATE SKIP LOCKED)
