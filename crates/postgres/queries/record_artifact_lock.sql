-- Nobody ends these attempts before the commit.
SELECT l.job FROM unnest($1::uuid[]) g (id) JOIN upnext.jobs j ON j.id = g.id JOIN upnext.live l ON l.job = j.seq
ORDER BY l.job FOR KEY SHARE OF l
