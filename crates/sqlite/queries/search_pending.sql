SELECT seq, coalesce(folded_name, name), search_text FROM artifacts WHERE seq > ?1 ORDER BY seq LIMIT ?2
