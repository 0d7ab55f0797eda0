-- Inserted, or taken over from whoever let it run out. No row comes back while somebody else holds it.
INSERT INTO upnext.cursors AS c (name, place, holder, held_until) VALUES ($1, coalesce($3, $6), $2, $5)
ON CONFLICT (name) DO UPDATE
SET place = greatest(c.place, coalesce($3, c.place)), holder = excluded.holder, held_until = excluded.held_until
WHERE c.holder = excluded.holder OR c.held_until <= $4
RETURNING place
