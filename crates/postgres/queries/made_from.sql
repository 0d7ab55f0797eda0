-- The first artifact that was made at this moment or later: times rise with `seq` (see record_artifact.sql).
SELECT seq FROM upnext.artifacts WHERE created_at >= $1 ORDER BY created_at, seq LIMIT 1
