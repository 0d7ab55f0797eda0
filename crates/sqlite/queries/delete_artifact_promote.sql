-- The version before the deleted one becomes the one that lists show.
UPDATE artifacts SET latest = 1
WHERE seq = (SELECT seq FROM artifacts WHERE job = ?1 AND name = ?2 AND version > 0 ORDER BY version DESC LIMIT 1)
