SELECT p.start, p.size_bytes, b.sha256, b.storage
FROM upnext.artifact_parts p JOIN upnext.blobs b ON b.blob = p.blob
WHERE p.artifact = (SELECT seq FROM upnext.artifacts WHERE id = $1) AND p.start + p.size_bytes > $2
ORDER BY p.start LIMIT $3
