INSERT INTO job_tags (tag, job) VALUES (?1, ?2)
