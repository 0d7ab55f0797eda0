DELETE FROM condemned_blobs WHERE sha256 = ?1
