-- Page by page: which lines are wanted is decided outside, and reading stops when there are enough.
SELECT seq, attempt, at, level, message, extra FROM upnext.logs
WHERE job = (SELECT seq FROM upnext.jobs WHERE id = $1) AND seq > $2 ORDER BY seq LIMIT $3
