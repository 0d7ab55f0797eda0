INSERT INTO condemned_blobs (sha256, storage, offered_at) VALUES (?1, ?2, ?3)
