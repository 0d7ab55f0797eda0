DELETE FROM logs WHERE job = ?1
