DELETE FROM upnext.artifact_reads WHERE job = ANY ($1::bigint[])
