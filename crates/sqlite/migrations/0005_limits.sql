-- Limits of functions, jobs that wait for others of their kind, shared results, and schedules.

ALTER TABLE jobs ADD COLUMN limited INTEGER NOT NULL DEFAULT 0;     -- counts against a limit of its function while it runs
ALTER TABLE jobs ADD COLUMN gate_key TEXT;                          -- jobs of the function with the same key run gate_limit at once
ALTER TABLE jobs ADD COLUMN gate_limit INTEGER;
-- 1: queued behind others with its gate_key; 2: queued, but it must not lose one more worker, so it is run beside no other such job.
ALTER TABLE jobs ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN cache_key TEXT;                         -- jobs of the function with the same key share a result
ALTER TABLE jobs ADD COLUMN cache_ttl_us INTEGER;                   -- NULL: without end

-- What is blocked is not in the usual queue, so that a claim never has to step over it.
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (function, priority DESC, scheduled_at) WHERE status = 'queued' AND blocked = 0;
CREATE INDEX jobs_suspect ON jobs (function, priority DESC, scheduled_at) WHERE status = 'queued' AND blocked = 2;
CREATE INDEX jobs_gate ON jobs (function, gate_key, blocked, priority DESC, scheduled_at)
    WHERE gate_key IS NOT NULL AND status IN ('queued', 'active');
CREATE INDEX jobs_limited ON jobs (function) WHERE status = 'active' AND limited = 1;

-- Taken out of the definition, where a claim looks for them.
ALTER TABLE functions ADD COLUMN limited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE functions ADD COLUMN limits TEXT;                       -- as JSON
ALTER TABLE functions ADD COLUMN routing_group TEXT;
DROP INDEX functions_paused;
CREATE INDEX functions_held ON functions (key) WHERE paused = 1 OR limited = 1;
CREATE INDEX functions_group ON functions (routing_group) WHERE routing_group IS NOT NULL;

-- How many jobs began in each slot of time that still counts.
CREATE TABLE rate_starts (
    function TEXT    NOT NULL,
    slot     INTEGER NOT NULL,                      -- when the slot begins
    starts   INTEGER NOT NULL,
    PRIMARY KEY (function, slot)
) WITHOUT ROWID;

CREATE TABLE results (
    function   TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    expires_at INTEGER,                             -- NULL: never
    result     TEXT    NOT NULL
);
CREATE UNIQUE INDEX results_key ON results (function, key);
CREATE INDEX results_expiry ON results (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE schedules (
    function    TEXT PRIMARY KEY,
    rule        TEXT    NOT NULL,                   -- schedule and time zone; when they change, the schedule begins anew
    next_run_at INTEGER
) WITHOUT ROWID;
