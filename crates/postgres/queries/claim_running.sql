SELECT count(*) FROM upnext.live WHERE status = 'active' AND limited AND function = $1
