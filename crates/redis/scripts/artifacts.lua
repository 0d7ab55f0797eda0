-- Artifact records: `find_artifacts`, `update_artifact`, `delete_artifact`, `record_artifact_reads`, `artifact_totals`.

define('find_artifacts', READS, function(keys, args)
  local found = {}
  for i = FIRST, #args do found[#found + 1] = read_artifact(keys[1], args[i]) or nil end
  return { 0, found }
end)

-- Arguments: id, number of the change after which the patch was worked out, pinned ('' to leave it, 1, 0), expires ('' to leave
-- it, n for never, a moment), then description, tags, metadata and text for searches as they are to be ('' each for none).
-- Answers the artifact; 0 when there is none; 1 when it changed meanwhile.
define('update_artifact', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, id = step.p, args[FIRST]
  local stored = p .. 'a:' .. id
  local artifact = fields_of(call('HGETALL', stored))
  if not artifact.j or artifact.v == '0' then return { 0, 0 } end
  if artifact.ch ~= args[FIRST + 1] then return { 0, 1 } end
  local change, seq = next_change(step), tonumber(artifact.sq)
  for n, field in ipairs({ 'de', 'tg', 'me', 'tx' }) do set_or_delete(stored, field, or_nil(args[FIRST + 3 + n])) end
  for _, tag in ipairs(tags_of(artifact.tg)) do call('ZREM', p .. 'ag:' .. tag, id) end
  for _, tag in ipairs(tags_of(args[FIRST + 5])) do call('ZADD', p .. 'ag:' .. tag, seq, id) end
  local pinned, expires = artifact.pi ~= nil, artifact.ex
  if args[FIRST + 2] ~= '' then pinned = args[FIRST + 2] == '1' end
  if args[FIRST + 3] == 'n' then expires = nil elseif args[FIRST + 3] ~= '' then expires = args[FIRST + 3] end
  set_or_delete(stored, 'pi', pinned and 1 or nil)
  set_or_delete(stored, 'ex', expires)
  call(pinned and 'SADD' or 'SREM', p .. 'pinned:' .. artifact.j, id)
  if expires and not pinned then
    call('ZADD', p .. 'expiring', expires, id)
  else
    call('ZREM', p .. 'expiring', id)
  end
  call('HSET', stored, 'ch', change)
  add(step, p .. 'changed', change, id)
  step.finished = true
  commit(step)
  return { 0, read_artifact(p, id) }
end)

define('delete_artifact', FREES, function(keys, args)
  local step = begin(keys, args)
  local was_there = remove_artifact(step, args[FIRST])
  commit(step)
  return { 0, was_there and 1 or 0 }
end)

-- For each: artifact, job. Of what does not exist nothing is noted.
define('record_artifact_reads', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p = step.p
  for i = FIRST, #args, 2 do
    local artifact, job = args[i], args[i + 1]
    local artifact_seq, job_seq = call('HGET', p .. 'a:' .. artifact, 'sq'), call('HGET', p .. 'j:' .. job, 'sq')
    if artifact_seq and job_seq then
      call('ZADD', p .. 'ra:' .. artifact, job_seq, job)
      call('ZADD', p .. 'rj:' .. job, artifact_seq, artifact)
    end
  end
  commit(step)
  return { 0 }
end)

define('artifact_totals', READS, function(keys)
  return { 0, call('HGETALL', keys[1] .. 'counts') }
end)

-- The first number that belongs to an artifact recorded at this moment or later; '' when there is none. Times rise with numbers,
-- so halving finds it.
define('first_made_at', READS, function(keys, args)
  local p, wanted = keys[1], tonumber(args[FIRST])
  local low, high = 0, call('ZCARD', p .. 'art')
  local count = high
  while low < high do
    local middle = math.floor((low + high) / 2)
    local id = call('ZRANGE', p .. 'art', middle, middle)[1]
    if tonumber(call('HGET', p .. 'a:' .. id, 'ca')) < wanted then low = middle + 1 else high = middle end
  end
  if low == count then return { 0, '' } end
  return { 0, call('ZRANGE', p .. 'art', low, low, 'WITHSCORES')[2] }
end)
