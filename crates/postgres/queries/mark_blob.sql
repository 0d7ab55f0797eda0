UPDATE upnext.blobs SET damaged_at = CASE WHEN $2 THEN coalesce(damaged_at, $3) END WHERE sha256 = $1 RETURNING blob
