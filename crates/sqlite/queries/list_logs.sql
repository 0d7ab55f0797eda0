-- Without a limit: which lines are wanted is decided outside, and reading stops when there are enough.
SELECT seq, attempt, at, level, message, extra FROM logs
WHERE job = (SELECT seq FROM jobs WHERE id = ?1) AND seq > ?2 ORDER BY seq
