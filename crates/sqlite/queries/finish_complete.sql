-- The common end: nothing has to be read or decided. Answers `seq` when others hear of it: those that share its result, wait
-- behind it, or share its limits.
UPDATE jobs
SET status = 'complete', started_at = ?3, completed_at = ?4, result = ?5, change = ?6, progress = 1,
    lease_token = NULL, lease_expires_at = NULL, failure_reason = NULL, error = NULL, traceback = NULL
WHERE id = ?1 AND status = 'active' AND lease_token = ?2 AND cancel_requested = 0
RETURNING CASE WHEN limited OR gate_key IS NOT NULL OR cache_key IS NOT NULL THEN seq END, cache_key IS NOT NULL,
          function, job_type
