-- Inserted, or taken over from whoever let it run out. No row comes back while somebody else holds it.
INSERT INTO cursors (name, place, holder, held_until)
VALUES (?1, coalesce(?3, (SELECT value FROM counters WHERE name = 'change')), ?2, ?5)
ON CONFLICT (name) DO UPDATE
SET place = max(place, coalesce(?3, place)), holder = excluded.holder, held_until = excluded.held_until
WHERE holder = excluded.holder OR held_until <= ?4
RETURNING place
