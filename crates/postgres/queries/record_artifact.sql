-- Numbered by the change that makes it. `created_at` never runs backwards, so that a span of time is a span of `seq`, whatever
-- the clock does. Of an existing blob one more use is counted, and fresh bytes take the place of damaged ones. No row comes
-- back when its bytes are on their way out.
WITH taken AS (
    INSERT INTO upnext.blobs AS b (sha256, size_bytes, storage, refs, bytes)
    SELECT $5, $6, $7, 1, $8
    WHERE $5::bytea IS NOT NULL AND ($8::bytea IS NOT NULL OR EXISTS (SELECT 1 FROM upnext.blobs WHERE sha256 = $5)
        OR NOT EXISTS (SELECT 1 FROM upnext.condemned_blobs WHERE sha256 = $5 AND storage = $7))
    ON CONFLICT (sha256) DO UPDATE
    SET refs = b.refs + 1, damaged_at = NULL,
        storage = CASE WHEN b.damaged_at IS NULL THEN b.storage ELSE excluded.storage END,
        bytes = CASE WHEN b.damaged_at IS NULL THEN b.bytes ELSE excluded.bytes END
    RETURNING b.blob, b.storage
), previous AS (
    UPDATE upnext.artifacts SET latest = false
    WHERE $4::bigint IS NULL AND ($5::bytea IS NULL OR EXISTS (SELECT 1 FROM taken))
        AND seq = (SELECT seq FROM upnext.artifacts WHERE job = $2 AND name = $9 AND version > 0 ORDER BY version DESC LIMIT 1)
    RETURNING version
)
INSERT INTO upnext.artifacts (id, job, attempt, version, latest, blob, size_bytes, created_at, seq, change, made, expires_at,
    function, type, content_type, name, folded_name, key, description, tags, metadata, search_text, expected, expected_sha256)
SELECT $1, $2, $3, coalesce($4, coalesce((SELECT version FROM previous), 0) + 1), $4 IS NULL, (SELECT blob FROM taken),
    CASE WHEN $5::bytea IS NULL THEN 0 ELSE $6 END,
    greatest($10, (SELECT created_at FROM upnext.artifacts ORDER BY seq DESC LIMIT 1)), $11, $11, $11, $12, $13, $14, $15, $9,
    $16, $17, $18, $19, $20, $21, $22, $23
WHERE $5::bytea IS NULL OR EXISTS (SELECT 1 FROM taken)
RETURNING created_at, version, (SELECT storage FROM taken)
