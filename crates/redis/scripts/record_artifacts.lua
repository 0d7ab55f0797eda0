-- `record_artifacts`. For each: id, job, token (''), key (''), a letter for its content (W whole, L live, U upload), digest, size,
-- storage and bytes of what is whole ('' each), how long it is kept (''), its name, and the number of stored fields with these.
--
-- Answers for each the artifact, or a refusal: {'J'} no such job, {'S'} stale lease, {'B'} its bytes are being removed,
-- {'K', id} the key was used for another.

-- What an earlier call made: the same record is not made twice when its answer was lost on its way, nor when the caller repeats
-- a key.
local function recorded_before(p, id, job, key, letter, sha256, name)
  if call('EXISTS', p .. 'a:' .. id) == 1 then return read_artifact(p, id) end
  local earlier = key ~= '' and call('HGET', p .. 'ak:' .. job, key)
  if not earlier then return nil end
  local of = call('HMGET', p .. 'a:' .. earlier, 'n', 'b')
  if of[1] ~= name or (letter == 'W' and of[2] ~= sha256) then return { 'K', earlier } end
  return read_artifact(p, earlier)
end

-- Times of artifacts never run backwards, so that a span of time is a span of numbers, whatever the clock does.
local function created_now(step)
  local last = step.created or tonumber(call('GET', step.p .. 'recorded') or 0)
  step.created = math.max(step.now, last)
  call('SET', step.p .. 'recorded', step.created)
  return step.created
end

local function record_one(step, args, i)
  local p, id, job, token = step.p, args[i], args[i + 1], args[i + 2]
  local key, letter, sha256, size, storage = args[i + 3], args[i + 4], args[i + 5], args[i + 6], args[i + 7]
  local kept_for, name = args[i + 9], args[i + 10]
  local first = i + 12
  local last = first + tonumber(args[i + 11]) - 1
  local holds, attempts, fn = lease_holds(p, job, token)
  if holds == nil then return last + 1, { 'J' } end
  local earlier = recorded_before(p, id, job, key, letter, sha256, name)
  if earlier then return last + 1, earlier end
  if token ~= '' and not holds then return last + 1, { 'S' } end
  if letter == 'W' and not take_blob(step, sha256, size, storage, args[i + 8]) then return last + 1, { 'B' } end
  local seq, stored = next_change(step), p .. 'a:' .. id
  local version = letter == 'U' and 0 or next_version(step, job, name)
  local made = { 'j', job, 'f', fn, 'at', token ~= '' and attempts or 0, 'v', version, 'sz', letter == 'W' and size or 0,
    'ca', created_now(step), 'sq', seq, 'ma', seq, 'ch', seq }
  local function with(field, value) made[#made + 1], made[#made + 2] = field, value end
  if letter == 'W' then with('b', sha256) end
  if version > 0 then with('la', 1) end
  if kept_for ~= '' then
    local expires = math.min(step.now + tonumber(kept_for), FAR)
    with('ex', expires)
    call('ZADD', p .. 'expiring', expires, id)
  end
  for n = first, last do made[#made + 1] = args[n] end
  call('HSET', stored, unpack(made))
  if key ~= '' then call('HSET', p .. 'ak:' .. job, key, id) end
  add(step, p .. 'aj:' .. job, seq, id)
  if version > 0 then
    local artifact = fields_of(made)
    call('ZADD', versions_key(step, job, name), version, id)
    index_artifact(step, id, artifact, add)
    count_artifact(step, artifact, 1)
    step.finished = true
  else
    add(step, p .. 'uploads', step.now, id)
  end
  return last + 1, read_artifact(p, id)
end

define('record_artifacts', WRITES, function(keys, args)
  local step = begin(keys, args)
  local answers, i = {}, FIRST
  while args[i] do
    i, answers[#answers + 1] = record_one(step, args, i)
  end
  commit(step)
  return { 0, answers }
end)
