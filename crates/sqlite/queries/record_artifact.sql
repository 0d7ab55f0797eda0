-- Numbered by the change that makes it. `created_at` never runs backwards, so that a span of time is a span of `seq`, whatever
-- the clock does. It is filed later (file_artifacts.sql).
INSERT INTO artifacts (id, job, attempt, version, latest, filed, blob, size_bytes, created_at, seq, change, made, expires_at,
                       function, type, content_type, name, folded_name, key, description, tags, metadata, search_text,
                       expected, expected_sha256)
VALUES (?1, ?2, ?3, ?4, ?4 > 0, 0, ?5, ?6,
        max(?7, coalesce((SELECT created_at FROM artifacts ORDER BY seq DESC LIMIT 1), 0)),
        ?8, ?8, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
RETURNING created_at
