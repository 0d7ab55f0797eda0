SELECT coalesce(sum(latest), 0)::bigint, coalesce(sum(versions), 0)::bigint, coalesce(sum(bytes), 0)::bigint,
       (SELECT value FROM upnext.counters WHERE name = 'blobs'), (SELECT value FROM upnext.counters WHERE name = 'blob_bytes')
FROM upnext.artifact_counts
