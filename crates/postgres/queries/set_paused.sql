UPDATE upnext.functions SET paused = $2 WHERE key = $1 RETURNING key
