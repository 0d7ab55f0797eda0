-- Stored bytes outlive their last artifact until they are condemned and removed; inline ones go with it.
DELETE FROM upnext.blobs WHERE blob = $1 AND refs = 0 AND storage = 'inline'
