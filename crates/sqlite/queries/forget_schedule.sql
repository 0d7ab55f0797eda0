DELETE FROM schedules WHERE function = ?1
