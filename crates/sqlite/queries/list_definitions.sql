SELECT key, definition FROM functions ORDER BY key
