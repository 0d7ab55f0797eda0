-- Followers of the changes that must not begin anew, and secrets.

-- How far a follower has come, and who follows at this moment: one process at a time.
CREATE TABLE cursors (
    name       TEXT PRIMARY KEY,
    place      INTEGER NOT NULL,                    -- see jobs.change
    holder     TEXT    NOT NULL,
    held_until INTEGER NOT NULL
) WITHOUT ROWID;

-- Random bytes that this deployment made for itself.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
) WITHOUT ROWID;

-- Creations of artifacts that changed since: followers hear of both. The others are found by their change.
CREATE INDEX artifacts_made ON artifacts (made) WHERE made <> change;
