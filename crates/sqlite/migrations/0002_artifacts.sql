-- Artifacts that are written piece by piece, labels, expiry, lineage, search, and counts that cost nothing to read.

-- Rebuilt, because `blob` may be empty now: an artifact that is being written has parts instead.
CREATE TABLE artifacts_2 (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: the search index goes by it
    id           BLOB    NOT NULL UNIQUE,
    job          INTEGER NOT NULL,                  -- jobs.seq
    attempt      INTEGER NOT NULL,                  -- 0: from outside a job
    version      INTEGER NOT NULL,                  -- negative: an upload that is not whole, which nobody sees
    latest       INTEGER NOT NULL,
    blob         INTEGER,                           -- blobs.blob; NULL: it has parts, and may still grow
    size_bytes   INTEGER NOT NULL,
    expected     INTEGER,                           -- how long an upload will be, when that is known
    expected_sha256 BLOB,                           -- the digest it was announced with, if any
    created_at   INTEGER NOT NULL,                  -- never smaller than that of the artifact before
    change       INTEGER NOT NULL,                  -- number of the last step of this artifact, see jobs.change
    made         INTEGER NOT NULL,                  -- number of its first step
    expires_at   INTEGER,
    pinned       INTEGER NOT NULL DEFAULT 0,
    function     TEXT    NOT NULL,                  -- that of the job; here, because lists are filtered by it
    type         TEXT    NOT NULL,
    content_type TEXT,                              -- NULL: the one of the type
    name         TEXT    NOT NULL,
    folded_name  TEXT,                              -- the name in lower case, if that is another; for searching
    key          TEXT,                              -- what makes the request that made it repeatable
    description  TEXT,
    tags         TEXT,                              -- as a JSON array
    metadata     TEXT,                              -- as a JSON object
    search_text  TEXT                               -- the three before in lower case
);

INSERT INTO artifacts_2 (seq, id, job, attempt, version, latest, blob, size_bytes, created_at, change, made, function,
                         type, content_type, name, folded_name)
SELECT a.seq, a.id, a.job, a.attempt, a.version, a.latest, a.blob, b.size_bytes,
       max(a.created_at) OVER (ORDER BY a.seq),
       (SELECT value FROM counters WHERE name = 'change') + row_number() OVER (ORDER BY a.seq),
       (SELECT value FROM counters WHERE name = 'change') + row_number() OVER (ORDER BY a.seq),
       j.function, a.type, a.content_type, a.name, a.folded_name
FROM artifacts a JOIN blobs b ON b.blob = a.blob JOIN jobs j ON j.seq = a.job;

UPDATE counters SET value = value + (SELECT count(*) FROM artifacts_2) WHERE name = 'change';

DROP TABLE artifacts;
ALTER TABLE artifacts_2 RENAME TO artifacts;

CREATE UNIQUE INDEX artifacts_job_name ON artifacts (job, name, version);
CREATE UNIQUE INDEX artifacts_change ON artifacts (change);
CREATE UNIQUE INDEX artifacts_key ON artifacts (job, key) WHERE key IS NOT NULL;
CREATE INDEX artifacts_function_name ON artifacts (function, name);
-- In the order of `seq`, and with what else lists are narrowed by, so that only rows that fit are looked up.
CREATE INDEX artifacts_function ON artifacts (function, seq, latest, type, size_bytes);
CREATE INDEX artifacts_type ON artifacts (type, seq, latest, size_bytes);
CREATE INDEX artifacts_name ON artifacts (name) WHERE latest = 1;
CREATE INDEX artifacts_size ON artifacts (size_bytes) WHERE latest = 1;
-- Other spans of time are found by `seq`, which goes the same way.
CREATE INDEX artifacts_uploads ON artifacts (created_at) WHERE version < 0;
CREATE INDEX artifacts_expiry ON artifacts (expires_at) WHERE expires_at IS NOT NULL AND pinned = 0;

-- The bytes of an artifact that is being written, or was when its attempt died.
CREATE TABLE artifact_parts (
    artifact   INTEGER NOT NULL,                    -- artifacts.seq
    start      INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    blob       INTEGER NOT NULL,                    -- blobs.blob
    PRIMARY KEY (artifact, start)
) WITHOUT ROWID;

CREATE TABLE artifact_tags (
    tag      TEXT    NOT NULL,
    artifact INTEGER NOT NULL,                      -- artifacts.seq
    PRIMARY KEY (tag, artifact)
) WITHOUT ROWID;
CREATE INDEX artifact_tags_artifact ON artifact_tags (artifact);

-- Which job read which artifact.
CREATE TABLE artifact_reads (
    artifact INTEGER NOT NULL,                      -- artifacts.seq
    job      INTEGER NOT NULL,                      -- jobs.seq
    PRIMARY KEY (artifact, job)
) WITHOUT ROWID;
CREATE INDEX artifact_reads_job ON artifact_reads (job);

-- Artifacts that are gone, for whoever follows the changes.
CREATE TABLE artifact_deletions (
    change INTEGER PRIMARY KEY,
    made   INTEGER NOT NULL,
    id     BLOB    NOT NULL,
    job_id BLOB    NOT NULL,
    at     INTEGER NOT NULL
);

ALTER TABLE blobs ADD COLUMN damaged_at INTEGER;
CREATE INDEX jobs_completed ON jobs (completed_at) WHERE completed_at IS NOT NULL;

-- Counts that listings show. Kept by triggers, so that no statement can forget them.
CREATE TABLE artifact_counts (
    function TEXT    NOT NULL,
    type     TEXT    NOT NULL,
    latest   INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (function, type)
) WITHOUT ROWID;

INSERT INTO artifact_counts (function, type, latest, versions, bytes)
SELECT function, type, sum(latest), count(*), sum(size_bytes) FROM artifacts GROUP BY function, type;

CREATE TRIGGER artifacts_count_insert AFTER INSERT ON artifacts WHEN new.version > 0 BEGIN
    INSERT INTO artifact_counts (function, type, latest, versions, bytes)
    VALUES (new.function, new.type, new.latest, 1, new.size_bytes)
    ON CONFLICT DO UPDATE SET latest = latest + excluded.latest, versions = versions + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER artifacts_count_update AFTER UPDATE OF version, latest, size_bytes, type ON artifacts BEGIN
    UPDATE artifact_counts SET latest = latest - old.latest, versions = versions - 1, bytes = bytes - old.size_bytes
    WHERE function = old.function AND type = old.type AND old.version > 0;
    INSERT INTO artifact_counts (function, type, latest, versions, bytes)
    SELECT new.function, new.type, new.latest, 1, new.size_bytes WHERE new.version > 0
    ON CONFLICT DO UPDATE SET latest = latest + excluded.latest, versions = versions + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER artifacts_count_delete AFTER DELETE ON artifacts WHEN old.version > 0 BEGIN
    UPDATE artifact_counts SET latest = latest - old.latest, versions = versions - 1, bytes = bytes - old.size_bytes
    WHERE function = old.function AND type = old.type;
END;

CREATE TABLE blob_counts (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    blobs INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
INSERT INTO blob_counts (one, blobs, bytes) SELECT 1, count(*), coalesce(sum(size_bytes), 0) FROM blobs;

CREATE TRIGGER blobs_count_insert AFTER INSERT ON blobs BEGIN
    UPDATE blob_counts SET blobs = blobs + 1, bytes = bytes + new.size_bytes;
END;

CREATE TRIGGER blobs_count_delete AFTER DELETE ON blobs BEGIN
    UPDATE blob_counts SET blobs = blobs - 1, bytes = bytes - old.size_bytes;
END;

-- Substring search over names and labels. Filled behind the artifacts, when the writer has nothing else to do or somebody
-- searches: `searchable` is the last one that is in it.
CREATE VIRTUAL TABLE artifact_search USING fts5 (name, words, tokenize = 'trigram', content = '', contentless_delete = 1);
INSERT INTO counters (name, value) VALUES ('searchable', 0);
