DELETE FROM results WHERE function = ?1
