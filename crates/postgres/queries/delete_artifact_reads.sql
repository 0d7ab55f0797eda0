DELETE FROM upnext.artifact_reads WHERE artifact = $1
