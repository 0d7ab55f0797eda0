-- Numbered by the change that makes it. It is filed later (file_artifacts.sql).
-- OR ROLLBACK: otherwise SQLite copies every page that this and its trigger write, in case they fail halfway; the lane undoes the whole
-- transaction then.
INSERT OR ROLLBACK INTO artifacts (id, job, attempt, version, latest, filed, blob, size_bytes, created_at, seq, change, made, expires_at,
                       function, type, content_type, name, folded_name, key, description, tags, metadata, search_text,
                       expected, expected_sha256)
VALUES (?1, ?2, ?3, ?4, ?4 > 0, 0, ?5, ?6, ?7, ?8, ?8, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
