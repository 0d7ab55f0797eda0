SELECT key, definition FROM upnext.functions ORDER BY key
