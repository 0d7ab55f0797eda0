SELECT number, worker_id, started_at, ended_at, outcome, error, traceback FROM attempts
WHERE job = (SELECT seq FROM jobs WHERE id = ?1) ORDER BY number
