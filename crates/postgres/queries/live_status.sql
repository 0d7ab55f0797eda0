SELECT l.status FROM upnext.jobs j LEFT JOIN upnext.live l ON l.job = j.seq WHERE j.id = $1
