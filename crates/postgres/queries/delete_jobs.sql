DELETE FROM upnext.jobs WHERE seq = ANY ($1::bigint[])
