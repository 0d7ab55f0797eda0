SELECT value FROM counters WHERE name = 'searchable'
