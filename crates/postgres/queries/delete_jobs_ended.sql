DELETE FROM upnext.ended WHERE job = ANY ($1::bigint[])
