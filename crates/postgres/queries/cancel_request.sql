UPDATE upnext.live SET cancel_requested = true WHERE job = $1
