-- The version before the next one of a name is no longer the latest.
UPDATE upnext.artifacts SET latest = false
WHERE seq = (SELECT seq FROM upnext.artifacts WHERE job = $1 AND name = $2 AND version > 0 ORDER BY version DESC LIMIT 1)
RETURNING version
