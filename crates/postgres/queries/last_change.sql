-- The last change that can be seen: commits become visible in the order of their numbers.
SELECT greatest((SELECT max(change) FROM upnext.job_changes), (SELECT max(change) FROM upnext.artifacts),
                (SELECT max(change) FROM upnext.artifact_deletions), 0)
