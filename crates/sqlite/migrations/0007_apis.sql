-- HTTP APIs: who serves them, the last requests of each, and what was asked of them in each hour.
CREATE TABLE api_instances (
    id                TEXT PRIMARY KEY,
    api               TEXT    NOT NULL,             -- the name that instances share
    hostname          TEXT    NOT NULL,
    pid               INTEGER NOT NULL,
    host              TEXT    NOT NULL,
    port              INTEGER NOT NULL,
    version           TEXT    NOT NULL,
    started_at        INTEGER NOT NULL,
    last_heartbeat_at INTEGER NOT NULL,
    stopped_at        INTEGER,
    dropped           INTEGER NOT NULL              -- requests about which nothing is known
) WITHOUT ROWID;

-- Of each API and class of statuses only the newest stay.
CREATE TABLE api_requests (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: readers go on from where they were
    api         TEXT    NOT NULL,
    class       INTEGER NOT NULL,                   -- the first digit of the status, less one
    instance    TEXT    NOT NULL,                   -- api_instances.id
    at          INTEGER NOT NULL,
    method      TEXT    NOT NULL,
    route       TEXT    NOT NULL,                   -- as the application wrote it, never the path itself
    status      INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    error       TEXT                                -- the type of the error
);
CREATE INDEX api_requests_class ON api_requests (api, class);

CREATE TABLE api_hours (
    api      TEXT    NOT NULL,
    hour     INTEGER NOT NULL,                      -- hours since 1970 in UTC
    route    TEXT    NOT NULL,
    method   TEXT    NOT NULL,
    counters TEXT    NOT NULL,                      -- as a JSON array; figures add up number by number
    PRIMARY KEY (api, hour, route, method)
) WITHOUT ROWID;
