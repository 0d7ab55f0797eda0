SELECT a.made, a.id, j.id, true FROM upnext.artifacts a JOIN upnext.jobs j ON j.seq = a.job
WHERE a.made > $1 AND a.made <= $3 AND a.made <> a.change AND a.version > 0 ORDER BY a.made LIMIT $2
