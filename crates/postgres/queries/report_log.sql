INSERT INTO upnext.logs (job, attempt, at, level, message, extra)
SELECT job, attempt, at, level, message, extra
FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
    g (job, attempt, at, level, message, extra, place)
ORDER BY place
