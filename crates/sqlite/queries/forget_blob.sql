DELETE FROM blobs WHERE sha256 = ?1 AND condemned = 1
