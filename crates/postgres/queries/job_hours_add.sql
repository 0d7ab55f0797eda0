INSERT INTO upnext.job_hours AS h (hour, function, job_type, complete, failed, cancelled, retrying, timed, duration_us)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                     $9::bigint[])
ON CONFLICT (hour, function, job_type) DO UPDATE
SET complete = h.complete + excluded.complete, failed = h.failed + excluded.failed,
    cancelled = h.cancelled + excluded.cancelled, retrying = h.retrying + excluded.retrying, timed = h.timed + excluded.timed,
    duration_us = h.duration_us + excluded.duration_us
