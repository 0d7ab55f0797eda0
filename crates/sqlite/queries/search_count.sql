SELECT count(*) FROM (SELECT 1 FROM artifact_search WHERE artifact_search MATCH ?1 LIMIT ?2)
