DELETE FROM job_hours WHERE hour < ?1
