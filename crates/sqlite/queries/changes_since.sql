SELECT change, id, status FROM jobs INDEXED BY jobs_change WHERE change > ?1 ORDER BY change LIMIT ?2
