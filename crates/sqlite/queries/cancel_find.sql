SELECT seq, status, gate_key IS NOT NULL AND blocked <> 1 FROM jobs WHERE id = ?1
