SELECT a.id, a.name, b.sha256 FROM artifacts a LEFT JOIN blobs b ON b.blob = a.blob WHERE a.job = ?1 AND a.key = ?2
