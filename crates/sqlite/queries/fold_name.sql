UPDATE artifacts SET folded_name = nullif(?2, name) WHERE seq = ?1
