SELECT count(*) FROM (SELECT 1 FROM upnext.artifact_tags WHERE tag = $1 LIMIT $2) found
