-- Tags of jobs: on the job as they were given, and one row each to find it by.

ALTER TABLE jobs ADD COLUMN tags TEXT;                              -- as a JSON array; NULL: none

CREATE TABLE job_tags (
    tag TEXT    NOT NULL,
    job INTEGER NOT NULL,                           -- jobs.seq
    PRIMARY KEY (tag, job)
) WITHOUT ROWID;
