INSERT INTO rate_starts (function, slot, starts) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET starts = starts + excluded.starts
