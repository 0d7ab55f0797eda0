DELETE FROM functions WHERE key = ?1
