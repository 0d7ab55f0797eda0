DELETE FROM artifacts WHERE id = ?1 RETURNING job, name, latest, blob
