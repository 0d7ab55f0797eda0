-- The row of some content, with one more use counted on it. None comes back when its bytes are on their way out.
INSERT INTO upnext.blobs AS b (sha256, size_bytes, storage, refs, bytes)
SELECT $1, $2, $3, 1, $4
WHERE $4::bytea IS NOT NULL OR EXISTS (SELECT 1 FROM upnext.blobs WHERE sha256 = $1)
    OR NOT EXISTS (SELECT 1 FROM upnext.condemned_blobs WHERE sha256 = $1 AND storage = $3)
ON CONFLICT (sha256) DO UPDATE
SET refs = b.refs + 1, damaged_at = NULL,
    storage = CASE WHEN b.damaged_at IS NULL THEN b.storage ELSE excluded.storage END,
    bytes = CASE WHEN b.damaged_at IS NULL THEN b.bytes ELSE excluded.bytes END
RETURNING b.blob
