-- Jobs that began before their function had a limit count against it, too.
UPDATE jobs SET limited = 1
WHERE seq IN (SELECT seq FROM jobs WHERE status = 'active' AND lease_expires_at > 0 AND function = ?1 AND limited = 0)
