SELECT seq, status FROM jobs WHERE id = ?1
