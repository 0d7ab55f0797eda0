SELECT seq, attempts, attempts_base, losses, losses_base, retry, cancel_requested, started_at, worker_id, limited,
       gate_key IS NOT NULL, function, job_type
FROM jobs WHERE id = ?1 AND status = 'active' AND lease_token = ?2
