DELETE FROM artifact_parts WHERE artifact = ?1 RETURNING blob
