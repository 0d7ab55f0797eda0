-- A worker that offers it at this moment waits, and brings it back.
SELECT key FROM upnext.functions WHERE key = $1 FOR UPDATE
