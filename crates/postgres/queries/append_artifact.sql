UPDATE upnext.artifacts SET size_bytes = size_bytes + $2 WHERE seq = $1 RETURNING size_bytes
