-- What nobody could see before is made now.
UPDATE upnext.artifacts
SET blob = $2, expected = NULL, expected_sha256 = NULL, size_bytes = $3, type = $4, content_type = $5, change = $6,
    made = CASE WHEN version > 0 THEN made ELSE $6 END, latest = latest OR version < 0, version = $7
WHERE seq = $1
