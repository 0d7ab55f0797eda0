DELETE FROM api_requests WHERE seq IN
    (SELECT seq FROM api_requests WHERE api = ?1 AND class = ?2 ORDER BY seq DESC LIMIT -1 OFFSET ?3)
