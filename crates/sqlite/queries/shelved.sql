SELECT value FROM counters WHERE name = 'shelved'
