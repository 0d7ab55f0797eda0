DELETE FROM artifact_reads WHERE artifact = ?1
