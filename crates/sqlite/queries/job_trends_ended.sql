SELECT hour, sum(complete), sum(failed), sum(retrying) FROM job_hours
WHERE hour >= ?1 AND (?2 IS NULL OR function = ?2) AND (?3 IS NULL OR job_type = ?3)
GROUP BY hour
