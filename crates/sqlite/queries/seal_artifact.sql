-- What nobody could see before is made now, and filed unless its turn is still to come.
UPDATE artifacts
SET blob = ?2, expected = NULL, expected_sha256 = NULL, size_bytes = ?3, type = ?4, content_type = ?5, change = ?6,
    made = CASE WHEN version > 0 THEN made ELSE ?6 END, latest = CASE WHEN version > 0 THEN latest ELSE 1 END, version = ?7,
    filed = seq <= (SELECT value FROM counters WHERE name = 'filed')
WHERE seq = ?1
