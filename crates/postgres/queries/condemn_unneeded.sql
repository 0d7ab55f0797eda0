WITH gone AS (
    DELETE FROM upnext.blobs WHERE blob IN (SELECT blob FROM upnext.blobs WHERE refs = 0 LIMIT $1) RETURNING sha256, storage)
INSERT INTO upnext.condemned_blobs (sha256, storage, offered_at) SELECT sha256, storage, $2 FROM gone
RETURNING sha256, storage
