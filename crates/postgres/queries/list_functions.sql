SELECT key, definition, paused FROM upnext.functions WHERE $1::text IS NULL OR key = $1 ORDER BY key
