SELECT count(*) FROM upnext.live
WHERE gate_key IS NOT NULL AND function = $1 AND gate_key = $2 AND status IN ('queued', 'active') AND blocked <> 1
