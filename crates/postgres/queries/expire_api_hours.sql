DELETE FROM upnext.api_hours WHERE hour < $1
