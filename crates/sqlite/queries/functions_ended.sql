SELECT function, sum(complete), sum(failed), sum(cancelled), sum(timed), sum(duration_us) FROM job_hours
WHERE hour >= ?1 GROUP BY function ORDER BY function
