-- Its result comes from another job: it uses up no limit and is not shared again, which would make it last for ever.
UPDATE jobs SET limited = 0, cache_key = NULL WHERE seq = ?1
