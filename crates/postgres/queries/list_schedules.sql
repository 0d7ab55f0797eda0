SELECT s.function, s.next_run_at, coalesce(f.paused, false)
FROM upnext.schedules s LEFT JOIN upnext.functions f ON f.key = s.function
WHERE s.function = ANY ($1::text[])
