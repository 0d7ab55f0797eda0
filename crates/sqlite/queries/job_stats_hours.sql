-- Whole hours.
SELECT coalesce(sum(complete), 0), coalesce(sum(failed), 0), coalesce(sum(cancelled), 0), coalesce(sum(timed), 0),
       coalesce(sum(duration_us), 0)
FROM job_hours WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR function = ?3)
