-- Another process may have come farther meanwhile.
UPDATE counters SET value = max(value, ?1) WHERE name = 'shelved'
