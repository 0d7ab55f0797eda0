-- Changes of artifacts that were there already, and makings of those that did not change since. Makings of the others have a
-- place of their own (changes_since_creations.sql): found here, they would come too late for a page that ends before.
SELECT a.change, a.id, j.id, a.made > $1 FROM upnext.artifacts a JOIN upnext.jobs j ON j.seq = a.job
WHERE a.change > $1 AND a.change <= $3 AND a.version > 0 AND (a.made = a.change OR a.made <= $1)
ORDER BY a.change LIMIT $2
