SELECT blob, storage, damaged_at IS NOT NULL FROM blobs WHERE sha256 = ?1
