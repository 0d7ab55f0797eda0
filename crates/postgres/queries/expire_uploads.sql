-- Uploads that nobody has come back to.
SELECT id FROM upnext.artifacts WHERE version < 0 AND created_at < $1 LIMIT $2
