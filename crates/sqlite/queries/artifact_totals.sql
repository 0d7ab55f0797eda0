SELECT coalesce(sum(latest), 0), coalesce(sum(versions), 0), coalesce(sum(bytes), 0),
       (SELECT blobs FROM blob_counts), (SELECT bytes FROM blob_counts)
FROM artifact_counts
