SELECT g.place, e.status
FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY g (id, token, place)
JOIN upnext.jobs j ON j.id = g.id
JOIN upnext.ended e ON e.job = j.seq
WHERE e.lease_token = g.token
