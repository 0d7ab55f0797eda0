SELECT storage FROM blobs WHERE sha256 = ?1
