UPDATE upnext.schedules SET next_run_at = $3 WHERE function = $1 AND next_run_at = $2 RETURNING function
