SELECT coalesce(folded_name, name), search_text FROM artifacts WHERE seq = ?1
