SELECT created_at, status FROM jobs WHERE function = ?1 ORDER BY created_at DESC LIMIT 1
