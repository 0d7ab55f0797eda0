SELECT id FROM upnext.artifacts WHERE job = $1 AND pinned LIMIT 1
