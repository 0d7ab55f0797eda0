INSERT INTO artifacts (id, job, attempt, version, latest, blob, created_at, type, content_type, name, folded_name)
VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10)
