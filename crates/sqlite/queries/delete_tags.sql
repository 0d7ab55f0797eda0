DELETE FROM artifact_tags WHERE artifact = ?1
