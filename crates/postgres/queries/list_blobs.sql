SELECT sha256, size_bytes, storage, damaged_at IS NOT NULL FROM upnext.blobs WHERE sha256 > $1 ORDER BY sha256 LIMIT $2
