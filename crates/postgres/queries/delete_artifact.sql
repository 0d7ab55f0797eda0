DELETE FROM upnext.artifacts a WHERE a.id = $1
RETURNING a.seq, a.job, a.name, a.latest, a.blob, a.version, a.made, (SELECT j.id FROM upnext.jobs j WHERE j.seq = a.job)
