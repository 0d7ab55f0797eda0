-- What a worker is told of a job. Read before it is leased: a statement that writes and answers keeps its answer in a table of
-- its own, whose making costs as much as all the rest.
SELECT id, function, function_name, attempts + 1, timeout_us, retry, idempotency_key, parent_id, root_id, checkpoint, kwargs,
       attempts_base + losses - losses_base, cache_key, losses - losses_base >= ?2
FROM jobs WHERE seq = ?1
