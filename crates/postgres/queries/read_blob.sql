SELECT bytes FROM upnext.blobs WHERE sha256 = $1 AND storage = 'inline'
