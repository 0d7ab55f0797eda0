UPDATE upnext.blobs SET refs = refs - 1 WHERE blob = $1
