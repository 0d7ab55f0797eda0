SELECT function, gate_key, gate_limit FROM jobs WHERE seq = ?1 AND gate_key IS NOT NULL
