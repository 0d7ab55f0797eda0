SELECT number, worker_id, started_at, ended_at, outcome, error, traceback FROM upnext.attempts
WHERE job = (SELECT seq FROM upnext.jobs WHERE id = $1) ORDER BY number
