INSERT INTO upnext.schedules AS s (function, rule, next_run_at) VALUES ($1, $2, $3)
ON CONFLICT (function) DO UPDATE SET rule = excluded.rule, next_run_at = excluded.next_run_at WHERE s.rule <> excluded.rule
