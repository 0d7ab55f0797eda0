SELECT seq, description, tags, metadata, pinned, expires_at FROM upnext.artifacts WHERE id = $1 AND version > 0
