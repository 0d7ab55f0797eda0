-- Nobody ends the attempts that write these artifacts before the commit.
SELECT l.job FROM upnext.live l
WHERE l.job IN (SELECT a.job FROM upnext.artifacts a WHERE a.id = ANY ($1::uuid[]))
ORDER BY l.job FOR KEY SHARE OF l
