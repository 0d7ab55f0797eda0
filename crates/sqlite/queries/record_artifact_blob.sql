SELECT blob, storage FROM blobs WHERE sha256 = ?1
