SELECT count(*) FROM (SELECT 1 FROM job_tags WHERE tag = ?1 LIMIT ?2)
