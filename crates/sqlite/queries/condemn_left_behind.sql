-- Given to a sweeper so long ago that it must have died before it was done.
UPDATE condemned_blobs SET offered_at = ?1
WHERE (sha256, storage) IN (SELECT sha256, storage FROM condemned_blobs WHERE offered_at <= ?2 LIMIT ?3)
RETURNING sha256, storage
