INSERT INTO blobs (sha256, size_bytes, storage, refs, bytes) VALUES (?1, ?2, ?3, 1, ?4)
