-- Artifacts as they are stored: one hash each, `a:` and the sixteen bytes of the id. A field that is not there has its default.
--
--   j job      f its function   at attempt (0: from outside)   v version (0: an upload that is not whole, which nobody sees)
--   la 1 if it is the latest version     b digest (none: it has parts)     sz bytes     x xs expected bytes and digest
--   ca created, never smaller than that of the artifact before     sq number of the change that made the record
--   ma of the one since which it is seen     ch of its last change     ex expires     pi 1 if pinned
--   ty type    ct content type, if not that of the type     n name     fo the name without letter case, if that is another
--   k what makes its request repeatable     de tg me labels     tx what a search looks into

local function name_place(name, seq, id)
  return name .. '\0' .. pack('>I7', seq) .. id
end

local function size_place(size, seq, id)
  return pack('>I7I7', size, seq) .. id
end

-- Counts an artifact that is seen, or takes it back (`times` is -1).
local function count_artifact(step, artifact, times)
  local suffix = artifact.f .. '\0' .. artifact.ty
  count(step.counts, 'v' .. suffix, times)
  count(step.counts, 'b' .. suffix, times * tonumber(artifact.sz))
  if artifact.la then count(step.counts, 'l' .. suffix, times) end
end

-- Puts an artifact that is seen into all indexes of lists, or takes it out.
local function index_artifact(step, id, artifact, change)
  local p, seq = step.p, tonumber(artifact.sq)
  local function put(key, score, member)
    if change == remove then remove(step, p .. key, member) else add(step, p .. key, score, member) end
  end
  put('art', seq, id)
  put('af:' .. artifact.f, seq, id)
  put('ay:' .. artifact.ty, seq, id)
  put('as', 0, size_place(tonumber(artifact.sz), seq, id))
  put('an', 0, name_place(artifact.n, seq, id))
  put('made', tonumber(artifact.ma), id)
  for _, tag in ipairs(tags_of(artifact.tg)) do put('ag:' .. tag, seq, id) end
end

local function versions_key(step, job, name)
  return step.p .. 'av:' .. job .. name
end

-- The number of the next version of a name in a job. The one before is no longer the latest.
local function next_version(step, job, name)
  local previous = call('ZREVRANGE', versions_key(step, job, name), 0, 0, 'WITHSCORES')
  if not previous[1] then return 1 end
  local stored = step.p .. 'a:' .. previous[1]
  local of = call('HMGET', stored, 'f', 'ty')
  if call('HDEL', stored, 'la') == 1 then count(step.counts, 'l' .. of[1] .. '\0' .. of[2], -1) end
  return tonumber(previous[2]) + 1
end

-- Whether a lease may write for a job: nil when there is no such job.
local function lease_holds(p, job, token)
  local of = call('HMGET', p .. 'j:' .. job, 'st', 'tk', 'at', 'f')
  if not of[1] then return nil end
  return (of[1] == 'a' and of[2] == token), tonumber(of[3] or 0), of[4], of[1]
end

-- Everything that is to be told of an artifact: its fields, its id, and what follows from its blob (bs storage, bd damaged) or,
-- of one that is not whole, from its job (js status, ja attempts). False when there is none.
local function read_artifact(p, id)
  local flat = call('HGETALL', p .. 'a:' .. id)
  if #flat == 0 then return false end
  local job, blob = nil, nil
  for n = 1, #flat, 2 do
    if flat[n] == 'b' then blob = flat[n + 1] elseif flat[n] == 'j' then job = flat[n + 1] end
  end
  local n = #flat
  flat[n + 1], flat[n + 2] = 'id', id
  if blob then
    local of = call('HMGET', p .. 'b:' .. blob, 's', 'd')
    flat[n + 3], flat[n + 4] = 'bs', of[1] or ''
    if of[2] then flat[n + 5], flat[n + 6] = 'bd', of[2] end
  else
    local of = call('HMGET', p .. 'j:' .. job, 'st', 'at')
    flat[n + 3], flat[n + 4], flat[n + 5], flat[n + 6] = 'js', of[1] or '', 'ja', of[2] or '0'
  end
  return flat
end

local function drop_parts(step, id)
  local parts = step.p .. 'ap:' .. id
  for _, part in ipairs(call('ZRANGE', parts, 0, -1)) do give_back(step, string.sub(part, 15)) end
  call('DEL', parts)
end

-- Removes an artifact. False when there was none.
local function remove_artifact(step, id)
  local p = step.p
  local artifact = fields_of(call('HGETALL', p .. 'a:' .. id))
  if not artifact.j then return false end
  local job, is_seen = artifact.j, artifact.v ~= '0'
  call('DEL', p .. 'a:' .. id)
  remove(step, p .. 'aj:' .. job, id)
  remove(step, p .. 'changed', id)
  call('ZREM', p .. 'expiring', id)
  call('SREM', p .. 'pinned:' .. job, id)
  if artifact.k then call('HDEL', p .. 'ak:' .. job, artifact.k) end
  if is_seen then
    index_artifact(step, id, artifact, remove)
    count_artifact(step, artifact, -1)
    local versions = versions_key(step, job, artifact.n)
    call('ZREM', versions, id)
    local before = artifact.la and call('ZREVRANGE', versions, 0, 0)[1]
    if before then
      -- The version before becomes the one that lists show.
      local of = call('HMGET', p .. 'a:' .. before, 'f', 'ty')
      call('HSET', p .. 'a:' .. before, 'la', 1)
      count(step.counts, 'l' .. of[1] .. '\0' .. of[2], 1)
    end
    add(step, p .. 'gone', next_change(step), pack('>I7I7', tonumber(artifact.ma), step.now) .. id .. job)
    step.finished = true
  else
    remove(step, p .. 'uploads', id)
  end
  if artifact.b then give_back(step, artifact.b) else drop_parts(step, id) end
  for _, reader in ipairs(call('ZRANGE', p .. 'ra:' .. id, 0, -1)) do call('ZREM', p .. 'rj:' .. reader, id) end
  call('DEL', p .. 'ra:' .. id)
  return true
end
