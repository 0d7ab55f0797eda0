DELETE FROM upnext.artifact_tags WHERE artifact = $1
