INSERT OR REPLACE INTO attempts (job, number, worker_id, started_at, ended_at, outcome, error, traceback)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
