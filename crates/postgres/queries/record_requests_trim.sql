DELETE FROM upnext.api_requests WHERE seq IN
    (SELECT seq FROM upnext.api_requests WHERE api = $1 AND class = $2 ORDER BY seq DESC OFFSET $3)
