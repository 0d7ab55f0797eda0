SELECT 1 FROM condemned_blobs WHERE sha256 = ?1 AND storage = ?2
