SELECT DISTINCT job FROM upnext.artifacts WHERE job = ANY ($1::bigint[]) AND pinned
