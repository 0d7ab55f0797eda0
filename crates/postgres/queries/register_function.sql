INSERT INTO upnext.functions (key, definition, registered_at, limited, limits, routing_group)
VALUES ($1, $2, $3, $4::text IS NOT NULL, $4, $5)
ON CONFLICT (key) DO UPDATE
SET definition = excluded.definition, registered_at = excluded.registered_at, limited = excluded.limited,
    limits = excluded.limits, routing_group = excluded.routing_group
