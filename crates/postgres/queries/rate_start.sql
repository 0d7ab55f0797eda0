INSERT INTO upnext.rate_starts AS r (function, slot, starts) VALUES ($1, $2, $3)
ON CONFLICT (function, slot) DO UPDATE SET starts = r.starts + excluded.starts
