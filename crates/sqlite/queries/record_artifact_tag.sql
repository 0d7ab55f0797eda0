INSERT INTO artifact_tags (tag, artifact) VALUES (?1, ?2)
