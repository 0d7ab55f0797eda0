-- Fresh bytes in the place of damaged ones.
UPDATE blobs SET damaged_at = NULL, storage = ?2, bytes = ?3 WHERE blob = ?1
