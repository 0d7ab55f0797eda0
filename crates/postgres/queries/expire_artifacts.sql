SELECT id FROM upnext.artifacts WHERE expires_at <= $1 AND expires_at IS NOT NULL AND NOT pinned LIMIT $2
