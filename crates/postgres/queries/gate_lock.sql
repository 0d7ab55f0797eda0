SELECT upnext.lock_gate($1, $2)
