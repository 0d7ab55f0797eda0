INSERT INTO schedules (function, rule, next_run_at) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET rule = excluded.rule, next_run_at = excluded.next_run_at WHERE rule <> excluded.rule
