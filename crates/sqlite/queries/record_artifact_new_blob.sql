-- OR ROLLBACK as in record_artifact.sql.
INSERT OR ROLLBACK INTO blobs (sha256, size_bytes, storage, refs, bytes) VALUES (?1, ?2, ?3, 1, ?4)
