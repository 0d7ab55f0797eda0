-- Artifacts that are written piece by piece: `append_artifacts`, `seal_artifact`, `list_parts`.
--
-- Parts are members of `ap:`, in the order of where they begin: begin, size, digest.

-- Whether whoever holds this lease ('' for nobody) may write an artifact that is not whole.
local function may_write(p, artifact, token)
  if artifact.at == '0' then return token == '' end
  local holds, attempts = lease_holds(p, artifact.j, token)
  return holds and attempts == tonumber(artifact.at)
end

-- An artifact that is still written gets longer, or what it is turns out.
local function resize(step, id, artifact, size)
  local p, seq = step.p, tonumber(artifact.sq)
  if artifact.v ~= '0' then
    count_artifact(step, artifact, -1)
    call('ZREM', p .. 'as', size_place(tonumber(artifact.sz), seq, id))
    artifact.sz = size
    count_artifact(step, artifact, 1)
    call('ZADD', p .. 'as', 0, size_place(size, seq, id))
  end
  artifact.sz = size
  call('HSET', p .. 'a:' .. id, 'sz', size)
end

local function append_one(step, args, i)
  local p, id, offset, size = step.p, args[i], tonumber(args[i + 2]), tonumber(args[i + 4])
  local artifact = fields_of(call('HGETALL', p .. 'a:' .. id))
  if not artifact.j then return { 'A' } end
  if artifact.b then return { 'C' } end
  if not may_write(p, artifact, args[i + 1]) then return { 'S', artifact.j } end
  local length = tonumber(artifact.sz)
  if offset ~= length then return { 'O', length } end
  if size == 0 then return length end
  local sha256 = args[i + 3]
  if not take_blob(step, sha256, args[i + 4], args[i + 5], args[i + 6]) then return { 'B' } end
  call('ZADD', p .. 'ap:' .. id, offset, pack('>I7I7', offset, size) .. sha256)
  resize(step, id, artifact, length + size)
  return length + size
end

-- For each part: artifact, token (''), offset, digest, size, storage, bytes (''). Answers for each the length, or a refusal.
define('append_artifacts', WRITES, function(keys, args)
  local step = begin(keys, args)
  local answers = {}
  for i = FIRST, #args, 7 do answers[#answers + 1] = append_one(step, args, i) end
  commit(step)
  return { 0, answers }
end)

-- Arguments: artifact, token (''), type, content type ('' for that of the type), digest, size, storage, bytes ('').
define('seal_artifact', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, id, sha256 = step.p, args[FIRST], args[FIRST + 4]
  local artifact = fields_of(call('HGETALL', p .. 'a:' .. id))
  if not artifact.j then return { 0, { 'A' } } end
  if artifact.b then
    -- The answer to an earlier call may have been lost on its way.
    if artifact.b == sha256 then return { 0, read_artifact(p, id) } end
    return { 0, { 'C' } }
  end
  if not may_write(p, artifact, args[FIRST + 1]) then return { 0, { 'S', artifact.j } } end
  local size = args[FIRST + 5]
  if not take_blob(step, sha256, size, args[FIRST + 6], args[FIRST + 7]) then return { 0, { 'B' } } end
  drop_parts(step, id)
  local is_upload = artifact.v == '0'
  if not is_upload then
    index_artifact(step, id, artifact, remove)
    count_artifact(step, artifact, -1)
  end
  local change = next_change(step)
  if is_upload then
    local version = next_version(step, artifact.j, artifact.n)
    artifact.v, artifact.la, artifact.ma = version, 1, change
    call('ZADD', versions_key(step, artifact.j, artifact.n), version, id)
    remove(step, p .. 'uploads', id)
  else
    add(step, p .. 'changed', change, id)
  end
  artifact.sz, artifact.ty = size, args[FIRST + 2]
  local stored = p .. 'a:' .. id
  call('HSET', stored, 'b', sha256, 'sz', size, 'ty', artifact.ty, 'ch', change, 'ma', artifact.ma, 'v', artifact.v)
  if is_upload then call('HSET', stored, 'la', 1) end
  set_or_delete(stored, 'ct', or_nil(args[FIRST + 3]))
  call('HDEL', stored, 'x', 'xs')
  index_artifact(step, id, artifact, add)
  count_artifact(step, artifact, 1)
  step.finished = true
  commit(step)
  return { 0, read_artifact(p, id) }
end)

-- Arguments: artifact, offset, limit. For each part: begin, size, digest, storage.
define('list_parts', READS, function(keys, args)
  local p, offset, limit = keys[1], tonumber(args[FIRST + 1]), tonumber(args[FIRST + 2])
  local parts, found = p .. 'ap:' .. args[FIRST], {}
  -- The last part that begins at or before the offset may reach beyond it.
  local first = call('ZREVRANGEBYSCORE', parts, offset, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or offset
  for _, part in ipairs(call('ZRANGEBYSCORE', parts, first, '+inf', 'LIMIT', 0, limit + 1)) do
    local start, size = unpack_number('>I7I7', part)
    if start + size > offset and #found < limit then
      local sha256 = string.sub(part, 15)
      found[#found + 1] = { start, size, sha256, call('HGET', p .. 'b:' .. sha256, 's') or '' }
    end
  end
  return { 0, found }
end)
