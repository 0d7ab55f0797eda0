SELECT seq, description, tags, metadata, pinned, expires_at FROM artifacts WHERE id = ?1 AND version > 0
