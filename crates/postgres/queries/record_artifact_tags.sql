INSERT INTO upnext.artifact_tags (tag, artifact) SELECT * FROM unnest($1::text[], $2::bigint[])
