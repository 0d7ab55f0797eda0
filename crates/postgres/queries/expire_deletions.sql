DELETE FROM upnext.artifact_deletions WHERE at < $1
