-- What a worker's process takes, as it told at its last sign of life.

ALTER TABLE workers ADD COLUMN memory_bytes INTEGER;                -- NULL: it has not told
