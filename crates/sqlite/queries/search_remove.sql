DELETE FROM artifact_search WHERE rowid = ?1
