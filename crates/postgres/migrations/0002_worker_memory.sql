-- What a worker's process takes, as it told at its last sign of life.

ALTER TABLE upnext.workers ADD COLUMN memory_bytes bigint;          -- NULL: it has not told
