SELECT key, definition, paused FROM functions WHERE ?1 IS NULL OR key = ?1 ORDER BY key
