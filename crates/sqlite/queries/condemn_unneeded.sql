DELETE FROM blobs
WHERE blob IN (SELECT blob FROM blobs INDEXED BY blobs_unneeded WHERE refs = 0 LIMIT ?1)
RETURNING sha256, storage
