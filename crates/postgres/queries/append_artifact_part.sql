INSERT INTO upnext.artifact_parts (artifact, start, size_bytes, blob) VALUES ($1, $2, $3, $4)
