SELECT bytes FROM blobs WHERE sha256 = ?1 AND storage = 'inline'
