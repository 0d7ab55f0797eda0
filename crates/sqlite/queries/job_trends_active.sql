SELECT started_at / 3600000000, count(*) FROM jobs INDEXED BY jobs_leased
WHERE status = 'active' AND started_at IS NOT NULL AND (?1 IS NULL OR function = ?1) AND (?2 IS NULL OR job_type = ?2)
GROUP BY 1
