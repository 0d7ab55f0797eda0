-- The digest that was announced when an upload began: it may be finished by another process, much later.
ALTER TABLE artifacts ADD COLUMN expected_sha256 BLOB;
