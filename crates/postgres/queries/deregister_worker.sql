UPDATE upnext.workers SET stopped_at = $2 WHERE id = $1
