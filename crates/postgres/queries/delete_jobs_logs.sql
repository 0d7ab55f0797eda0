DELETE FROM upnext.logs WHERE job = ANY ($1::bigint[])
