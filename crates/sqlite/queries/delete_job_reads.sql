DELETE FROM artifact_reads WHERE job = ?1
