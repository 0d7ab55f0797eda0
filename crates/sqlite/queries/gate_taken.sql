SELECT count(*) FROM jobs INDEXED BY jobs_gate
WHERE gate_key IS NOT NULL AND status IN ('queued', 'active') AND function = ?1 AND gate_key = ?2 AND blocked <> 1
