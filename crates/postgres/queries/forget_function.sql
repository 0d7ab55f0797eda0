DELETE FROM upnext.functions WHERE key = $1 RETURNING key
