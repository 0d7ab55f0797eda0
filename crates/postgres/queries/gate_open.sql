UPDATE upnext.live SET blocked = 0 WHERE job = $1
