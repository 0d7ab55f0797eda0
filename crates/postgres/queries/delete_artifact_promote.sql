-- The version before the deleted one becomes the one that lists show.
UPDATE upnext.artifacts SET latest = true
WHERE seq = (SELECT seq FROM upnext.artifacts WHERE job = $1 AND name = $2 AND version > 0 ORDER BY version DESC LIMIT 1)
