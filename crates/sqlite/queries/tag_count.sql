SELECT count(*) FROM (SELECT 1 FROM artifact_tags WHERE tag = ?1 LIMIT ?2)
