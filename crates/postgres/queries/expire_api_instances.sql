DELETE FROM upnext.api_instances WHERE last_heartbeat_at < $1
