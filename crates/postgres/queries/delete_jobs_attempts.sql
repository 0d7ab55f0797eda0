DELETE FROM upnext.attempts WHERE job = ANY ($1::bigint[])
