-- What holds for these functions; nobody else claims from those with limits, or from others of their groups, until the commit.
SELECT key, paused, limits FROM upnext.functions
WHERE (paused OR limited) AND (key = ANY ($1::text[]) OR routing_group IN
    (SELECT routing_group FROM upnext.functions WHERE key = ANY ($1::text[]) AND routing_group IS NOT NULL))
ORDER BY key FOR UPDATE
