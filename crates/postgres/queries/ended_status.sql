SELECT e.status FROM upnext.jobs j LEFT JOIN upnext.ended e ON e.job = j.seq WHERE j.id = $1
