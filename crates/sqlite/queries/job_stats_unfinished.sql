-- Each status is read from the index that holds nothing else. Jobs behind others with their gate key are in one of its own.
SELECT (SELECT count(*) FROM jobs INDEXED BY jobs_ready WHERE status = 'queued' AND blocked = 0
            AND (?3 IS NULL OR function = ?3) AND (?1 IS NULL OR created_at >= ?1) AND (?2 IS NULL OR created_at < ?2))
     + (SELECT count(*) FROM jobs INDEXED BY jobs_gate WHERE gate_key IS NOT NULL AND status IN ('queued', 'active')
            AND blocked = 1 AND status = 'queued'
            AND (?3 IS NULL OR function = ?3) AND (?1 IS NULL OR created_at >= ?1) AND (?2 IS NULL OR created_at < ?2))
     + (SELECT count(*) FROM jobs INDEXED BY jobs_due WHERE status IN ('pending', 'retrying')
            AND (?3 IS NULL OR function = ?3) AND (?1 IS NULL OR created_at >= ?1) AND (?2 IS NULL OR created_at < ?2))
     + (SELECT count(*) FROM jobs INDEXED BY jobs_leased WHERE status = 'active'
            AND (?3 IS NULL OR function = ?3) AND (?1 IS NULL OR created_at >= ?1) AND (?2 IS NULL OR created_at < ?2))
