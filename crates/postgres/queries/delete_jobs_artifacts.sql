SELECT id FROM upnext.artifacts WHERE job = ANY ($1::bigint[]) ORDER BY seq
