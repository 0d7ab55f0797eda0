-- Jobs that began before their function had a limit count against it, too.
UPDATE upnext.live SET limited = true
WHERE job IN (SELECT job FROM upnext.live WHERE status = 'active' AND function = $1 AND NOT limited AND lease_expires_at > 0
              ORDER BY job FOR UPDATE)
