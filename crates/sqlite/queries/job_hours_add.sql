INSERT INTO job_hours (hour, function, job_type, complete, failed, cancelled, retrying, timed, duration_us)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT DO UPDATE SET complete = complete + excluded.complete, failed = failed + excluded.failed,
    cancelled = cancelled + excluded.cancelled, retrying = retrying + excluded.retrying, timed = timed + excluded.timed,
    duration_us = duration_us + excluded.duration_us
