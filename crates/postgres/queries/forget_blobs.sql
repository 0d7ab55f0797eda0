DELETE FROM upnext.condemned_blobs WHERE sha256 = ANY ($1::bytea[])
