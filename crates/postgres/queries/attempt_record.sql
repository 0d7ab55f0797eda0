INSERT INTO upnext.attempts (job, number, worker_id, started_at, ended_at, outcome, error, traceback)
SELECT * FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
ON CONFLICT (job, number) DO UPDATE
SET worker_id = excluded.worker_id, started_at = excluded.started_at, ended_at = excluded.ended_at,
    outcome = excluded.outcome, error = excluded.error, traceback = excluded.traceback
