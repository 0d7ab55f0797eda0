SELECT s.function, s.next_run_at, coalesce(f.paused, 0)
FROM schedules s LEFT JOIN functions f ON f.key = s.function
WHERE s.function = ?1
