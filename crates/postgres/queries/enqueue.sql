-- See the function: the transaction is over before the disk has it, so that others need not wait for the order of changes.
SELECT id, created
FROM (SELECT set_config('synchronous_commit', 'off', true)) quick,
    upnext.enqueue_jobs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        WITH ORDINALITY made (id, created, place)
ORDER BY place
