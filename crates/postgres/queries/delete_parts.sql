DELETE FROM upnext.artifact_parts WHERE artifact = $1 RETURNING blob
