-- Functions that a claim cannot take from freely.
SELECT key, paused, limits FROM functions INDEXED BY functions_held WHERE paused = 1 OR limited = 1
