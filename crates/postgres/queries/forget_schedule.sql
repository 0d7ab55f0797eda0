DELETE FROM upnext.schedules WHERE function = $1
