-- The first bytes stay: the update changes nothing but makes the row come back.
INSERT INTO upnext.secrets AS s (name, bytes) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET bytes = s.bytes RETURNING bytes
