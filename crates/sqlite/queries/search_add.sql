INSERT INTO artifact_search (rowid, name, words) VALUES (?1, ?2, ?3)
