-- How many jobs ended in each hour, and how: figures are read from here instead of counting jobs.
-- For every hour this equals a count of the jobs that ended in it, but for those that were removed because of their age.
CREATE TABLE job_hours (
    hour        INTEGER NOT NULL,                   -- hours since 1970 in UTC
    function    TEXT    NOT NULL,
    job_type    TEXT    NOT NULL,
    complete    INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    cancelled   INTEGER NOT NULL,
    retrying    INTEGER NOT NULL,                   -- attempts that failed and were tried again
    timed       INTEGER NOT NULL,                   -- complete or failed jobs whose last attempt began
    duration_us INTEGER NOT NULL,                   -- how long these took together
    PRIMARY KEY (hour, function, job_type)
) WITHOUT ROWID;

INSERT INTO job_hours (hour, function, job_type, complete, failed, cancelled, retrying, timed, duration_us)
SELECT completed_at / 3600000000, function, job_type, sum(status = 'complete'), sum(status = 'failed'),
       sum(status = 'cancelled'), 0, sum(status IN ('complete', 'failed') AND started_at IS NOT NULL),
       coalesce(sum(CASE WHEN status IN ('complete', 'failed') THEN max(0, completed_at - started_at) END), 0)
FROM jobs WHERE completed_at IS NOT NULL AND status IN ('complete', 'failed', 'cancelled')
GROUP BY 1, 2, 3;

-- The last attempt before a retry by hand had ended its job: it was not tried again by itself.
INSERT INTO job_hours (hour, function, job_type, complete, failed, cancelled, retrying, timed, duration_us)
SELECT a.ended_at / 3600000000, j.function, j.job_type, 0, 0, 0, count(*), 0, 0
FROM attempts a JOIN jobs j ON j.seq = a.job
WHERE a.outcome IN ('failed', 'timeout') AND a.ended_at IS NOT NULL AND a.number <> j.attempts_base
GROUP BY 1, 2, 3
ON CONFLICT DO UPDATE SET retrying = retrying + excluded.retrying;
