SELECT key FROM functions INDEXED BY functions_paused WHERE paused = 1
