DELETE FROM upnext.job_changes WHERE job = ANY ($1::bigint[])
