-- Locked in the order of the jobs, and before the order of changes; what somebody queues again at this moment stays.
WITH old AS MATERIALIZED (
    SELECT e.job FROM upnext.ended e
    WHERE e.completed_at < $1 AND NOT EXISTS (SELECT 1 FROM upnext.artifacts a WHERE a.job = e.job AND a.pinned)
    ORDER BY e.completed_at LIMIT $2)
SELECT e.job FROM old JOIN upnext.ended e ON e.job = old.job WHERE e.completed_at < $1
ORDER BY e.job FOR UPDATE OF e SKIP LOCKED
