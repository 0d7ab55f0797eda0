-- Workers and functions: `register_worker`, `deregister_worker`, `list_workers`, `list_definitions`, `list_functions`,
-- `set_paused`, `forget_function`.

local DAY = 24 * HOUR

-- Workers that nobody has heard of for this long are forgotten.
local function forget_old_workers(step)
  local p = step.p
  local old = call('ZRANGEBYSCORE', p .. 'beats', '-inf', step.now - 2 * DAY, 'LIMIT', 0, 100)
  for _, worker in ipairs(old) do
    call('ZREM', p .. 'beats', worker)
    for _, key in ipairs({ 'workers', 'stopped', 'busy', 'memory' }) do call('HDEL', p .. key, worker) end
  end
end

-- Arguments: id, what is to be kept of it (JSON), then for each function: key, definition, limits as JSON ('' without any),
-- routing group (''), rule of its schedule and first run ('' each for none).
define('register_worker', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, worker = step.p, args[FIRST]
  forget_old_workers(step)
  call('HSET', p .. 'workers', worker, format('%.0f', step.now) .. ' ' .. args[FIRST + 1])
  call('HDEL', p .. 'stopped', worker)
  call('HDEL', p .. 'memory', worker)
  add(step, p .. 'beats', step.now, worker)
  for i = FIRST + 2, #args, 6 do
    local fn, limits, group, rule, first = args[i], args[i + 2], args[i + 3], args[i + 4], args[i + 5]
    call('HSET', p .. 'functions', fn, args[i + 1])
    if limits == '' then call('HDEL', p .. 'limits', fn) else call('HSET', p .. 'limits', fn, limits) end
    local old_group = call('HGET', p .. 'groups', fn)
    if old_group and old_group ~= group then call('SREM', p .. 'group:' .. old_group, fn) end
    if group == '' then
      call('HDEL', p .. 'groups', fn)
    else
      call('HSET', p .. 'groups', fn, group)
      call('SADD', p .. 'group:' .. group, fn)
    end
    if rule == '' then
      call('HDEL', p .. 'rules', fn)
      call('HDEL', p .. 'runs', fn)
    elseif call('HGET', p .. 'rules', fn) ~= rule then
      call('HSET', p .. 'rules', fn, rule)
      if first == '' then call('HDEL', p .. 'runs', fn) else call('HSET', p .. 'runs', fn, first) end
    end
  end
  step.work = true
  commit(step)
  return { 1 }
end)

define('deregister_worker', WRITES, function(keys, args)
  local step = begin(keys, args)
  if call('HEXISTS', step.p .. 'workers', args[FIRST]) == 1 then
    call('HSET', step.p .. 'stopped', args[FIRST], step.now)
  end
  commit(step)
  return { 0 }
end)

-- For each worker of the last day: id, what is kept of it, its last sign of life, when it stopped (''), its running jobs, its memory ('').
local function recent_workers(p, now)
  local found = {}
  local beats = call('ZRANGEBYSCORE', p .. 'beats', now - DAY, '+inf', 'WITHSCORES')
  for n = 1, #beats, 2 do
    local worker = beats[n]
    found[#found + 1] = {
      worker, call('HGET', p .. 'workers', worker), beats[n + 1], call('HGET', p .. 'stopped', worker) or '',
      call('HGET', p .. 'busy', worker) or '0', call('HGET', p .. 'memory', worker) or '',
    }
  end
  return found
end

define('list_workers', READS, function(keys, args)
  local now = moment(args)
  return { 0, recent_workers(keys[1], now), now }
end)

define('list_definitions', READS, function(keys)
  return { 0, call('HGETALL', keys[1] .. 'functions') }
end)

-- How many jobs of a function were made since a moment. Times rise with the numbers of jobs unless the clock is set, so halving
-- finds the first of them.
local function made_since(p, fn, since)
  local index = p .. 'f:' .. fn
  local count = call('ZCARD', index)
  local low, high = 0, count
  while low < high do
    local middle = math.floor((low + high) / 2)
    local id = call('ZRANGE', index, middle, middle)[1]
    if tonumber(call('HGET', p .. 'j:' .. id, 'ca')) < since then low = middle + 1 else high = middle end
  end
  return count - low
end

-- Complete and failed jobs among the newest that were made since a moment, at most so many: status, due, begin and end of each.
local function sample_of(p, fn, runs, most)
  local sample = {}
  for from = 0, math.min(runs, 10 * most) - 1, 500 do
    for _, id in ipairs(call('ZREVRANGE', p .. 'f:' .. fn, from, math.min(from + 499, runs - 1))) do
      local job = call('HMGET', p .. 'j:' .. id, 'st', 'du', 'sa', 'en')
      if job[1] == 'c' or job[1] == 'f' then
        for field = 1, 4 do sample[#sample + 1] = job[field] or '' end
        if #sample >= 4 * most then return sample end
      end
    end
  end
  return sample
end

-- Jobs that became due but no claim has moved on yet, by function.
local function due_backlog(p, now)
  local backlog = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', p .. 'due', '-inf', now)) do
    count(backlog, call('HGET', p .. 'j:' .. id, 'f'), 1)
  end
  return backlog
end

-- Argument: key of a function, or '' for all; the size of the sample. For each function: key, definition, 1 if paused, next run
-- (''), jobs made in the last day, jobs that wait, creation and status of the newest job ('' each), the sample.
define('list_functions', READS, function(keys, args)
  local p, now, wanted = keys[1], moment(args), args[FIRST]
  local all = wanted == '' and call('HKEYS', p .. 'functions') or { wanted }
  local found, backlog = {}, due_backlog(p, now)
  for _, fn in ipairs(all) do
    local definition = call('HGET', p .. 'functions', fn)
    if definition then
      local runs = made_since(p, fn, now - DAY)
      local waiting = tonumber(call('HGET', p .. 'depth', 'q' .. fn) or 0) + (backlog[fn] or 0)
      local newest = call('ZREVRANGE', p .. 'f:' .. fn, 0, 0)[1]
      local last = newest and call('HMGET', p .. 'j:' .. newest, 'ca', 'st') or { '', '' }
      found[#found + 1] = {
        fn, definition, call('SISMEMBER', p .. 'paused', fn), call('HGET', p .. 'runs', fn) or '', runs, waiting, last[1],
        last[2], sample_of(p, fn, runs, tonumber(args[FIRST + 1])),
      }
    end
  end
  return { 0, found, recent_workers(p, now), now }
end)

-- Arguments: key, 1 or 0. Answers 1 if there is such a function.
define('set_paused', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, fn = step.p, args[FIRST]
  local known = call('HEXISTS', p .. 'functions', fn)
  if known == 1 then call(args[FIRST + 1] == '1' and 'SADD' or 'SREM', p .. 'paused', fn) end
  step.work = true
  commit(step)
  return { 1, known }
end)

-- Arguments: key, how long a worker may be silent and still be alive. Answers G (gone), U (unknown), or O and the living workers
-- that offer it: when each began, and its id.
define('forget_function', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, fn, offering = step.p, args[FIRST], {}
  for _, worker in ipairs(recent_workers(p, step.now)) do
    if worker[4] == '' and tonumber(worker[3]) >= step.now - tonumber(args[FIRST + 1]) then
      local began, kept = string.match(worker[2], '^(%d+) (.*)$')
      for _, offered in ipairs(cjson.decode(kept).functions) do
        if offered == fn then offering[#offering + 1], offering[#offering + 2] = began, worker[1] end
      end
    end
  end
  if #offering > 0 then return { 0, 'O', offering } end
  if call('HDEL', p .. 'functions', fn) == 0 then return { 0, 'U', {} } end
  local group = call('HGET', p .. 'groups', fn)
  if group then call('SREM', p .. 'group:' .. group, fn) end
  for _, key in ipairs({ 'limits', 'groups', 'rules', 'runs' }) do call('HDEL', p .. key, fn) end
  call('SREM', p .. 'paused', fn)
  local front = key_field(fn, '')
  for _, field in ipairs(call('ZRANGE', p .. 'cached', 0, -1)) do
    if string.sub(field, 1, #front) == front then
      call('DEL', p .. 'c:' .. field)
      call('ZREM', p .. 'cached', field)
    end
  end
  commit(step)
  return { 0, 'G', {} }
end)
