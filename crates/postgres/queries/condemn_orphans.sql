-- But for those that an artifact needs, or that are in a sweeper's hands already.
INSERT INTO upnext.condemned_blobs (sha256, storage, offered_at)
SELECT g.sha256, g.storage, $4 FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY g (sha256, storage, place)
WHERE NOT EXISTS (SELECT 1 FROM upnext.blobs b WHERE b.sha256 = g.sha256 AND b.storage = g.storage)
    AND NOT EXISTS (SELECT 1 FROM upnext.condemned_blobs c WHERE c.sha256 = g.sha256 AND c.storage = g.storage)
ORDER BY g.place LIMIT $3
ON CONFLICT DO NOTHING
RETURNING sha256, storage
