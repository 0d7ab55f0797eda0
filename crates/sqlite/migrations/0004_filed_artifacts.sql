-- Fewer pages for each artifact that is recorded: a commit that must be durable costs what it writes.

-- Artifacts are numbered by the change that made them, so no sequence of their own is kept. Numbers that were given before
-- are never given again: the search index goes by them.
UPDATE counters SET value = max(value, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'artifacts'))
WHERE name = 'change';

-- Rebuilt without AUTOINCREMENT, and with `filed`.
CREATE TABLE artifacts_4 (
    seq          INTEGER PRIMARY KEY,               -- number of the change that made it; before schema 4 any other
    id           BLOB    NOT NULL UNIQUE,
    job          INTEGER NOT NULL,                  -- jobs.seq
    attempt      INTEGER NOT NULL,                  -- 0: from outside a job
    version      INTEGER NOT NULL,                  -- negative: an upload that is not whole, which nobody sees
    latest       INTEGER NOT NULL,
    filed        INTEGER NOT NULL,                  -- 1: it is in the indexes for lists; only what can be seen is
    blob         INTEGER,                           -- blobs.blob; NULL: it has parts, and may still grow
    size_bytes   INTEGER NOT NULL,
    expected     INTEGER,                           -- how long an upload will be, when that is known
    expected_sha256 BLOB,                           -- the digest it was announced with, if any
    created_at   INTEGER NOT NULL,                  -- never smaller than that of the artifact before
    change       INTEGER NOT NULL,                  -- number of the last step of this artifact, see jobs.change
    made         INTEGER NOT NULL,                  -- number of the step that showed it first
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

INSERT INTO artifacts_4 (seq, id, job, attempt, version, latest, filed, blob, size_bytes, expected, expected_sha256, created_at,
                         change, made, expires_at, pinned, function, type, content_type, name, folded_name, key, description,
                         tags, metadata, search_text)
SELECT seq, id, job, attempt, version, latest, version > 0, blob, size_bytes, expected, expected_sha256, created_at,
       change, made, expires_at, pinned, function, type, content_type, name, folded_name, key, description,
       tags, metadata, search_text
FROM artifacts ORDER BY seq;

-- The last artifact that was filed: whoever lists files the ones after it first, and so does the writer now and then.
INSERT INTO counters (name, value) SELECT 'filed', coalesce(max(seq), 0) FROM artifacts;

DROP TABLE artifacts;
ALTER TABLE artifacts_4 RENAME TO artifacts;

-- Kept in the transaction that records: what finds one artifact, the artifacts of a job, and what followers hear of.
CREATE UNIQUE INDEX artifacts_job_name ON artifacts (job, name, version);
CREATE UNIQUE INDEX artifacts_key ON artifacts (job, key) WHERE key IS NOT NULL;
-- Artifacts that did not change since they were made are found by `seq`.
CREATE UNIQUE INDEX artifacts_change ON artifacts (change) WHERE change <> seq;
CREATE INDEX artifacts_made ON artifacts (made) WHERE made <> change;
CREATE INDEX artifacts_uploads ON artifacts (created_at) WHERE version < 0;
CREATE INDEX artifacts_expiry ON artifacts (expires_at) WHERE expires_at IS NOT NULL AND pinned = 0;

-- Filled many artifacts at a time: what narrows and sorts lists. In the order of `seq`, and with what else lists are narrowed
-- by, so that only rows that fit are looked up.
CREATE INDEX artifacts_function ON artifacts (function, seq, latest, type, size_bytes) WHERE filed = 1;
CREATE INDEX artifacts_function_name ON artifacts (function, name, seq, latest) WHERE filed = 1;
CREATE INDEX artifacts_type ON artifacts (type, seq, latest, size_bytes) WHERE filed = 1;
CREATE INDEX artifacts_name ON artifacts (name) WHERE latest = 1 AND filed = 1;
CREATE INDEX artifacts_size ON artifacts (size_bytes) WHERE latest = 1 AND filed = 1;

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

-- Counts of blobs stand beside the number of the last change, which every commit writes.
INSERT INTO counters (name, value) SELECT 'blobs', blobs FROM blob_counts;
INSERT INTO counters (name, value) SELECT 'blob_bytes', bytes FROM blob_counts;
DROP TRIGGER blobs_count_insert;
DROP TRIGGER blobs_count_delete;
DROP TABLE blob_counts;

CREATE TRIGGER blobs_count_insert AFTER INSERT ON blobs BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'blobs';
    UPDATE counters SET value = value + new.size_bytes WHERE name = 'blob_bytes';
END;

CREATE TRIGGER blobs_count_delete AFTER DELETE ON blobs BEGIN
    UPDATE counters SET value = value - 1 WHERE name = 'blobs';
    UPDATE counters SET value = value - old.size_bytes WHERE name = 'blob_bytes';
END;
