UPDATE upnext.artifacts
SET description = $2, tags = $3, metadata = $4, search_text = $5, pinned = $6, expires_at = $7, change = $8
WHERE seq = $1
