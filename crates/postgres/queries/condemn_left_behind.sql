-- Given to a sweeper so long ago that it must have died before it was done.
UPDATE upnext.condemned_blobs c SET offered_at = $1
FROM (SELECT sha256, storage FROM upnext.condemned_blobs WHERE offered_at <= $2 LIMIT $3) old
WHERE c.sha256 = old.sha256 AND c.storage = old.storage
RETURNING c.sha256, c.storage
