-- Blobs: the bytes that live beside their records, and what is known of those that live in storage. One hash each, `b:` and the
-- digest: z size, s storage, r how many need it, d damaged since, y the bytes if they are inline.

-- One more use of some content. False when its bytes are on their way out.
local function take_blob(step, sha256, size, storage, bytes)
  local p = step.p
  local stored = p .. 'b:' .. sha256
  local known = call('HMGET', stored, 's', 'd', 'r')
  if known[1] then
    call('HINCRBY', stored, 'r', 1)
    if known[3] == '0' then call('SREM', p .. 'unneeded', sha256) end
    if known[2] then
      -- Fresh bytes in the place of damaged ones.
      call('HDEL', stored, 'd', 'y')
      call('HSET', stored, 's', storage)
      if storage == 'inline' then call('HSET', stored, 'y', bytes) end
    end
    return true
  end
  if storage == 'inline' then
    call('HSET', stored, 'z', size, 's', storage, 'r', 1, 'y', bytes)
  else
    if call('ZSCORE', p .. 'condemned', sha256 .. storage) then return false end
    call('HSET', stored, 'z', size, 's', storage, 'r', 1)
  end
  call('ZADD', p .. 'blobs', 0, sha256)
  count(step.counts, 'blobs', 1)
  count(step.counts, 'blob_bytes', tonumber(size))
  return true
end

local function forget_blob(step, sha256)
  local stored = step.p .. 'b:' .. sha256
  count(step.counts, 'blobs', -1)
  count(step.counts, 'blob_bytes', -tonumber(call('HGET', stored, 'z')))
  call('DEL', stored)
  call('ZREM', step.p .. 'blobs', sha256)
end

-- Counts one use of a blob less. Inline bytes go with their last use; stored ones outlive it until they are condemned.
local function give_back(step, sha256)
  local stored = step.p .. 'b:' .. sha256
  if call('HINCRBY', stored, 'r', -1) > 0 then return end
  if call('HGET', stored, 's') == 'inline' then
    forget_blob(step, sha256)
  else
    call('SADD', step.p .. 'unneeded', sha256)
  end
end

-- Arguments: digest to begin after (''), limit. For each: digest, size, storage, 1 if damaged.
define('list_blobs', READS, function(keys, args)
  local p, found = keys[1], {}
  local from = args[FIRST] == '' and '-' or '(' .. args[FIRST]
  for _, sha256 in ipairs(call('ZRANGEBYLEX', p .. 'blobs', from, '+', 'LIMIT', 0, args[FIRST + 1])) do
    local blob = call('HMGET', p .. 'b:' .. sha256, 'z', 's', 'd')
    found[#found + 1] = { sha256, blob[1], blob[2], blob[3] and 1 or 0 }
  end
  return { 0, found }
end)

-- Arguments: digest, 1 or 0. Answers 1 if somebody knows it.
define('mark_blob', FREES, function(keys, args)
  local step = begin(keys, args)
  local stored = step.p .. 'b:' .. args[FIRST]
  if call('EXISTS', stored) == 0 then return { 0, 0 } end
  if args[FIRST + 1] == '1' then call('HSETNX', stored, 'd', step.now) else call('HDEL', stored, 'd') end
  commit(step)
  return { 0, 1 }
end)

define('read_blob', READS, function(keys, args)
  local blob = call('HMGET', keys[1] .. 'b:' .. args[FIRST], 's', 'y')
  return { 0, blob[1] == 'inline' and blob[2] }
end)

-- Arguments: how long a sweeper may take, limit, then digest and storage of each orphan. Answers digest and storage of each that
-- is to be removed.
define('condemn_blobs', FREES, function(keys, args)
  local step = begin(keys, args)
  local p, limit, condemned = step.p, tonumber(args[FIRST + 1]), {}
  local function condemn(sha256, storage)
    call('ZADD', p .. 'condemned', step.now, sha256 .. storage)
    call('SADD', p .. 'storages', storage)
    condemned[#condemned + 1] = { sha256, storage }
  end
  local function left() return limit - #condemned end
  -- Given to a sweeper so long ago that it must have died before it was done.
  local patience = step.now - tonumber(args[FIRST])
  for _, member in ipairs(call('ZRANGEBYSCORE', p .. 'condemned', '-inf', patience, 'LIMIT', 0, limit)) do
    condemn(string.sub(member, 1, 32), string.sub(member, 33))
  end
  if left() > 0 then
    for _, sha256 in ipairs(call('SRANDMEMBER', p .. 'unneeded', left())) do
      call('SREM', p .. 'unneeded', sha256)
      local storage = call('HGET', p .. 'b:' .. sha256, 's')
      forget_blob(step, sha256)
      condemn(sha256, storage)
    end
  end
  for i = FIRST + 2, #args, 2 do
    if left() <= 0 then break end
    local sha256, storage = args[i], args[i + 1]
    -- Needed by an artifact, or in a sweeper's hands already.
    local is_known = call('HGET', p .. 'b:' .. sha256, 's') == storage
    if not is_known and not call('ZSCORE', p .. 'condemned', sha256 .. storage) then condemn(sha256, storage) end
  end
  commit(step)
  return { 0, condemned }
end)

define('forget_blobs', FREES, function(keys, args)
  local step = begin(keys, args)
  local storages = call('SMEMBERS', step.p .. 'storages')
  for i = FIRST, #args do
    for _, storage in ipairs(storages) do call('ZREM', step.p .. 'condemned', args[i] .. storage) end
  end
  commit(step)
  return { 0 }
end)
