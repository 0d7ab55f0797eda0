SELECT id FROM artifacts WHERE job = ?1
