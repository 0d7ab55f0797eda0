SELECT seq, function, attempts, status = 'active' AND lease_token IS ?2 FROM jobs WHERE id = ?1
