DELETE FROM upnext.rate_starts WHERE function = $1 AND slot NOT BETWEEN $2 AND $3
