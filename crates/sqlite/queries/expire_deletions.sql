DELETE FROM artifact_deletions WHERE at < ?1
