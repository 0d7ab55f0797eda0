DELETE FROM job_tags WHERE job = ?1 AND tag IN (SELECT t.value FROM jobs j, json_each(j.tags) t WHERE j.seq = ?1)
