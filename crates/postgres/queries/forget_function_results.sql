DELETE FROM upnext.results WHERE function = $1
