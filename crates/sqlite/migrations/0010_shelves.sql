-- What is sorted by name or size may have its place anywhere in an index: with very many artifacts there, each new one writes a page
-- of each such index for itself alone. So these orders are shelves, tables of their own, which are filled many artifacts at a time and
-- in the order of the shelf: then neighbours share a page.

-- The newest versions in the order of their names.
CREATE TABLE artifacts_by_name (
    name TEXT    NOT NULL,
    seq  INTEGER NOT NULL,                          -- artifacts.seq
    PRIMARY KEY (name, seq)
) WITHOUT ROWID;

-- Those of each function in the order of their names.
CREATE TABLE artifacts_by_function (
    function TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    seq      INTEGER NOT NULL,                      -- artifacts.seq
    latest   INTEGER NOT NULL,
    PRIMARY KEY (function, name, seq)
) WITHOUT ROWID;

-- The newest versions in the order of their sizes.
CREATE TABLE artifacts_by_size (
    size_bytes INTEGER NOT NULL,
    seq        INTEGER NOT NULL,                    -- artifacts.seq
    PRIMARY KEY (size_bytes, seq)
) WITHOUT ROWID;

-- Out of the indexes that held the same, which are in that order.
INSERT INTO artifacts_by_name (name, seq)
SELECT name, seq FROM artifacts INDEXED BY artifacts_name WHERE latest = 1 AND filed = 1 ORDER BY name, seq;
INSERT INTO artifacts_by_function (function, name, seq, latest)
SELECT function, name, seq, latest FROM artifacts INDEXED BY artifacts_function_name WHERE filed = 1 ORDER BY function, name, seq;
INSERT INTO artifacts_by_size (size_bytes, seq)
SELECT size_bytes, seq FROM artifacts INDEXED BY artifacts_size WHERE latest = 1 AND filed = 1 ORDER BY size_bytes, seq;
DROP INDEX artifacts_name;
DROP INDEX artifacts_function_name;
DROP INDEX artifacts_size;

-- The last artifact that is on the shelves: whoever lists by name or size puts the ones after it there first, and so does the
-- writer now and then. Some may be there before their turn.
INSERT INTO counters (name, value) SELECT 'shelved', value FROM counters WHERE name = 'filed';

CREATE TRIGGER artifacts_shelves_delete AFTER DELETE ON artifacts WHEN old.version > 0 BEGIN
    DELETE FROM artifacts_by_name WHERE name = old.name AND seq = old.seq;
    DELETE FROM artifacts_by_function WHERE function = old.function AND name = old.name AND seq = old.seq;
    DELETE FROM artifacts_by_size WHERE size_bytes = old.size_bytes AND seq = old.seq;
END;

CREATE TRIGGER artifacts_shelves_outdate AFTER UPDATE OF latest ON artifacts WHEN old.latest = 1 AND new.latest = 0 BEGIN
    DELETE FROM artifacts_by_name WHERE name = old.name AND seq = old.seq;
    UPDATE artifacts_by_function SET latest = 0 WHERE function = old.function AND name = old.name AND seq = old.seq;
    DELETE FROM artifacts_by_size WHERE size_bytes = old.size_bytes AND seq = old.seq;
END;

-- Also an upload that is whole now: its turn may have been before.
CREATE TRIGGER artifacts_shelves_promote AFTER UPDATE OF latest ON artifacts WHEN old.latest = 0 AND new.latest = 1 BEGIN
    INSERT OR IGNORE INTO artifacts_by_name (name, seq) VALUES (new.name, new.seq);
    INSERT OR REPLACE INTO artifacts_by_function (function, name, seq, latest) VALUES (new.function, new.name, new.seq, 1);
    INSERT OR IGNORE INTO artifacts_by_size (size_bytes, seq) VALUES (new.size_bytes, new.seq);
END;

-- What is written before everybody's eyes grows.
CREATE TRIGGER artifacts_shelves_grow AFTER UPDATE OF size_bytes ON artifacts WHEN new.size_bytes <> old.size_bytes AND old.latest = 1 BEGIN
    UPDATE artifacts_by_size SET size_bytes = new.size_bytes WHERE size_bytes = old.size_bytes AND seq = old.seq;
END;
