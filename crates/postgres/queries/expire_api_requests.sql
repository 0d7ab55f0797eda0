DELETE FROM upnext.api_requests WHERE at < $1
