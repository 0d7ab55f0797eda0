-- Everything UpNext knows, in one file. Moments are microseconds since 1970 in UTC; ids are 16-byte UUIDs.

-- One row each: `change` is the number of the last step in the life of any job (see jobs.change).
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('change', 0);

CREATE TABLE jobs (
    seq              INTEGER PRIMARY KEY,           -- order of acceptance; what other tables refer to
    id               BLOB    NOT NULL,
    status           TEXT    NOT NULL,
    function         TEXT    NOT NULL,
    function_name    TEXT,                          -- NULL: the same as function
    job_type         TEXT    NOT NULL,
    priority         INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    scheduled_at     INTEGER NOT NULL,
    started_at       INTEGER,
    completed_at     INTEGER,
    attempts         INTEGER NOT NULL DEFAULT 0,
    attempts_base    INTEGER NOT NULL DEFAULT 0,    -- attempts that a retry by hand has written off
    losses           INTEGER NOT NULL DEFAULT 0,    -- attempts that ended with the worker gone
    losses_base      INTEGER NOT NULL DEFAULT 0,    -- losses that a retry by hand has written off
    timeout_us       INTEGER NOT NULL,
    retry            TEXT,                          -- retry policy as JSON; NULL: the default policy
    worker_id        TEXT,
    lease_token      INTEGER,
    lease_expires_at INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    change           INTEGER NOT NULL,              -- number of the last step in this job's life
    idempotency_key  TEXT,
    parent_id        BLOB,
    root_id          BLOB,                          -- NULL: the job itself is the root
    progress         REAL    NOT NULL DEFAULT 0,
    progress_message TEXT,
    failure_reason   TEXT,
    error            TEXT,
    traceback        TEXT,
    source           TEXT,
    checkpoint_at    INTEGER,
    checkpoint       TEXT,
    result           TEXT,
    kwargs           TEXT    NOT NULL
);

CREATE UNIQUE INDEX jobs_id ON jobs (id);
CREATE UNIQUE INDEX jobs_change ON jobs (change);
CREATE INDEX jobs_function ON jobs (function, created_at);
-- The queue itself: per function, in the order of claiming. Holds only what can be claimed now, so that a claim costs
-- the same with ten jobs in it and with a million.
CREATE INDEX jobs_ready ON jobs (function, priority DESC, scheduled_at) WHERE status = 'queued';
CREATE INDEX jobs_due ON jobs (scheduled_at) WHERE status IN ('pending', 'retrying');
CREATE INDEX jobs_leased ON jobs (lease_expires_at) WHERE status = 'active';
CREATE INDEX jobs_ended_badly ON jobs (status) WHERE status IN ('failed', 'cancelled');
CREATE INDEX jobs_tree ON jobs (root_id) WHERE root_id IS NOT NULL;
CREATE UNIQUE INDEX jobs_idempotency ON jobs (function, idempotency_key)
    WHERE idempotency_key IS NOT NULL AND status IN ('pending', 'queued', 'active', 'retrying');

-- Attempts that ended without ending their job. The last attempt of a job is told by its own row.
CREATE TABLE attempts (
    job        INTEGER NOT NULL,                    -- jobs.seq
    number     INTEGER NOT NULL,
    worker_id  TEXT,
    started_at INTEGER,
    ended_at   INTEGER,
    outcome    TEXT    NOT NULL,
    error      TEXT,
    traceback  TEXT,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE logs (
    seq     INTEGER PRIMARY KEY,
    job     INTEGER NOT NULL,                       -- jobs.seq
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    level   TEXT    NOT NULL,
    message TEXT    NOT NULL,
    extra   TEXT
);
CREATE INDEX logs_job ON logs (job);

-- One row for each distinct content. `bytes` comes last: the columns before it are read without touching it.
CREATE TABLE blobs (
    blob       INTEGER PRIMARY KEY,
    sha256     BLOB    NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    storage    TEXT    NOT NULL,                    -- inline, local or s3
    refs       INTEGER NOT NULL,                    -- artifacts that need it
    bytes      BLOB                                 -- only for inline
);
CREATE INDEX blobs_unneeded ON blobs (blob) WHERE refs = 0;

-- Stored bytes that a sweeper is removing at this moment: nothing may be recorded with them until it is done.
CREATE TABLE condemned_blobs (
    sha256     BLOB    NOT NULL,
    storage    TEXT    NOT NULL,
    offered_at INTEGER NOT NULL,                    -- when they were last given to a sweeper
    PRIMARY KEY (sha256, storage)
) WITHOUT ROWID;

CREATE TABLE artifacts (
    seq          INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    job          INTEGER NOT NULL,                  -- jobs.seq
    attempt      INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    latest       INTEGER NOT NULL,
    blob         INTEGER NOT NULL,                  -- blobs.blob
    created_at   INTEGER NOT NULL,
    type         TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    folded_name  TEXT                               -- the name in lower case, if that is another; for searching
);
CREATE UNIQUE INDEX artifacts_job_name ON artifacts (job, name, version);

CREATE TABLE workers (
    id                TEXT PRIMARY KEY,
    name              TEXT    NOT NULL,
    hostname          TEXT    NOT NULL,
    pid               INTEGER NOT NULL,
    concurrency       INTEGER NOT NULL,
    language          TEXT    NOT NULL,
    version           TEXT    NOT NULL,
    functions         TEXT    NOT NULL,             -- keys, as a JSON array
    started_at        INTEGER NOT NULL,
    last_heartbeat_at INTEGER NOT NULL,
    stopped_at        INTEGER
) WITHOUT ROWID;

CREATE TABLE functions (
    key           TEXT PRIMARY KEY,
    definition    TEXT    NOT NULL,                 -- as JSON
    paused        INTEGER NOT NULL DEFAULT 0,
    registered_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX functions_paused ON functions (key) WHERE paused = 1;
