-- Slots in the future come from a clock that was put back; they do not count.
SELECT coalesce(sum(starts), 0)::bigint, min(slot) FROM upnext.rate_starts WHERE function = $1 AND slot BETWEEN $2 AND $3
