SELECT min(scheduled_at) FROM jobs INDEXED BY jobs_due WHERE status IN ('pending', 'retrying')
