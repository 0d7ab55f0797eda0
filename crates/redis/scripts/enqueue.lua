-- `enqueue`: jobs become hashes, or turn out to be there already.
--
-- For each job: id, function, priority, moment it is not before ('' for at once), delay, idempotency key, root of its tree,
-- concurrency key, its limit, tags as JSON ('' each for none), and the number of stored fields with these.

local function enqueue_one(step, args, i)
  local p, id, fn = step.p, args[i], args[i + 1]
  local at, key, root, gate = args[i + 3], args[i + 5], args[i + 6], args[i + 7]
  local first = i + 11
  local last = first + tonumber(args[i + 10]) - 1
  if key ~= '' then
    local holder = call('HGET', p .. 'keys', key_field(fn, key))
    if holder then return last + 1, holder, 0 end
  end
  local stored = p .. 'j:' .. id
  -- A repeated call of the same submission makes no second job.
  if call('EXISTS', stored) == 1 then return last + 1, id, 0 end
  local now = step.now
  local due = math.min((at == '' and now or tonumber(at)) + tonumber(args[i + 4]), FAR)
  local is_delayed = due > now
  due = math.max(due, now)
  local seq = next_change(step)
  call('HSET', stored, 'st', is_delayed and 'p' or 'q', 'ca', now, 'du', due, 'sq', seq, unpack(args, first, last))
  add(step, p .. 'jobs', seq, id)
  add(step, p .. 'f:' .. fn, seq, id)
  add(step, p .. 'changes', seq, id)
  if key ~= '' then call('HSET', p .. 'keys', key_field(fn, key), id) end
  if root ~= '' then call('ZADD', p .. 't:' .. root, seq, id) end
  for _, tag in ipairs(tags_of(args[i + 9])) do add(step, p .. 'jt:' .. tag, seq, id) end
  count_status(step, fn, nil, is_delayed and 'p' or 'q')
  if is_delayed then
    add(step, p .. 'due', due, id)
    -- Claimers learn that it is due sooner than they know.
    step.work = true
  else
    enter(step, id, fn, tonumber(args[i + 2]), place_of(due, seq, id), gate, args[i + 8])
  end
  return last + 1, id, 1
end

local function enqueue_all(step, args, i)
  local answers, n = {}, 0
  while args[i] do
    local id, created
    i, id, created = enqueue_one(step, args, i)
    answers[n + 1], answers[n + 2] = id, created
    n = n + 2
  end
  return answers
end

define('enqueue', WRITES, function(keys, args)
  local step = begin(keys, args)
  local answers = enqueue_all(step, args, FIRST)
  commit(step)
  return { step.work and 1 or 0, answers }
end)
