DELETE FROM api_instances WHERE last_heartbeat_at < ?1
