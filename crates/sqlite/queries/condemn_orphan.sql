INSERT INTO blobs (sha256, size_bytes, storage, refs, condemned) VALUES (?1, 0, ?2, 0, 1)
