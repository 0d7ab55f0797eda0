SELECT e.job, e.status FROM upnext.jobs j JOIN upnext.ended e ON e.job = j.seq WHERE j.id = $1 FOR UPDATE OF e
