UPDATE workers SET last_heartbeat_at = ?2, stopped_at = NULL WHERE id = ?1
