SELECT coalesce(sum(latest), 0), coalesce(sum(versions), 0), coalesce(sum(bytes), 0),
       (SELECT value FROM counters WHERE name = 'blobs'), (SELECT value FROM counters WHERE name = 'blob_bytes')
FROM artifact_counts
