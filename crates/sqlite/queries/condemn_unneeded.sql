UPDATE blobs SET condemned = 1
WHERE blob IN (SELECT blob FROM blobs INDEXED BY blobs_unneeded WHERE refs = 0 AND storage <> 'inline' LIMIT ?1)
RETURNING sha256, storage
