INSERT INTO functions (key, definition, registered_at) VALUES (?1, ?2, ?3)
ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, registered_at = excluded.registered_at
