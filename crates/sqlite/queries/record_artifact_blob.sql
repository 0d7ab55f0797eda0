SELECT blob, storage, condemned FROM blobs WHERE sha256 = ?1
