SELECT count(*) FROM upnext.functions f JOIN upnext.live l ON l.status = 'active' AND l.limited AND l.function = f.key
WHERE f.routing_group = $1
