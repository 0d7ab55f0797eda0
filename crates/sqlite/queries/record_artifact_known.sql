SELECT 1 FROM artifacts WHERE id = ?1
