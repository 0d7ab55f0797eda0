-- `claim`: due jobs become active under fresh leases.
--
-- Arguments: worker, lease in microseconds, limit, 1 if a job that must not lose one more worker may be among them, the losses
-- that make it one, slots of a rate's window, first half of the tokens, number of functions and these.

-- Delayed jobs that one claim moves into the queue, which bounds how long it may take (some 50 ms). Only when more than these
-- become due together may a less urgent one be given first.
local MOST_PROMOTED = 10000

local function next_due(p)
  local first = call('ZRANGE', p .. 'due', 0, 0, 'WITHSCORES')
  return tonumber(first[2])
end

local function promote_due(step)
  local p = step.p
  local ids = call('ZRANGEBYSCORE', p .. 'due', '-inf', step.now, 'LIMIT', 0, MOST_PROMOTED)
  for _, id in ipairs(ids) do
    local stored = p .. 'j:' .. id
    local job = call('HMGET', stored, 'f', 'pr', 'du', 'sq', 'st', 'gk', 'gl')
    call('HSET', stored, 'st', 'q')
    remove(step, p .. 'due', id)
    note_change(step, id)
    count_status(step, job[1], job[5], 'q')
    local place = place_of(tonumber(job[3]), tonumber(job[4]), id)
    enter(step, id, job[1], tonumber(job[2] or 0), place, job[6], job[7])
  end
  write_indexes(step)
end

-- How many jobs of a function may begin now, by its limits as registered; nil without any. Also notes when a rate lets the
-- next one begin.
local function allowance(step, fn, limits, groups, slots)
  local p, most = step.p, nil
  local function at_most(places)
    most = math.min(most or FAR, math.max(0, places))
  end
  local function running(of)
    local counts = call('HMGET', p .. 'depth', 'a' .. of, 'k' .. of)
    return tonumber(counts[1] or 0) - tonumber(counts[2] or 0)
  end
  if limits.max then at_most(limits.max - running(fn)) end
  if limits.group and limits.group_max then
    local group = groups[limits.group]
    if not group then
      group = 0
      for _, member in ipairs(call('SMEMBERS', p .. 'group:' .. limits.group)) do group = group + running(member) end
      groups[limits.group] = group
    end
    at_most(limits.group_max - group)
  end
  if limits.period then
    local width = math.max(1, math.floor(limits.period / slots))
    local slot = math.floor(step.now / width) * width
    local oldest = math.floor((step.now - limits.period) / width) * width
    local starts, first, past = 0, nil, {}
    local flat = call('HGETALL', p .. 'rate:' .. fn)
    for n = 1, #flat, 2 do
      local begins = tonumber(flat[n])
      -- Slots in the future come from a clock that was put back; they do not count.
      if begins >= oldest and begins <= slot then
        starts = starts + tonumber(flat[n + 1])
        first = math.min(first or FAR, begins)
      else
        past[#past + 1] = flat[n]
      end
    end
    if #past > 0 then call('HDEL', p .. 'rate:' .. fn, unpack(past)) end
    if starts >= limits.count and first then
      step.next_start = math.min(step.next_start or FAR, first + width + limits.period)
    end
    at_most(limits.count - starts)
    limits.slot = slot
  end
  return most
end

local function is_before(a, b)
  if a.score ~= b.score then return a.score < b.score end
  if a.due ~= b.due then return a.due < b.due end
  return a.seq < b.seq
end

local function candidate(fn, queue, place, score)
  local due, seq = unpack_number('>I7I7', place)
  return { fn = fn, queue = queue, place = place, score = tonumber(score), due = due, seq = seq }
end

-- The next of the jobs that must not lose one more worker, if there is one.
local function next_suspect(p, functions, most)
  local suspect = nil
  for _, fn in ipairs(functions) do
    local queue = p .. 's:' .. fn
    local first = call('ZRANGE', queue, 0, 0, 'WITHSCORES')
    if first[1] and most[fn] ~= 0 then
      local found = candidate(fn, queue, first[1], first[2])
      if not suspect or is_before(found, suspect) then suspect = found end
    end
  end
  return suspect
end

-- The most urgent jobs over all functions of the request, in order: function, queue and place of each. What comes from one queue is
-- in order already.
local function candidates(step, functions, limit, most, wants_suspect)
  local p, ranges = step.p, {}
  for _, fn in ipairs(functions) do
    local fit = math.min(limit, most[fn] or limit)
    if fit > 0 then
      local queue = p .. 'q:' .. fn
      local range = call('ZRANGE', queue, 0, fit - 1, 'WITHSCORES')
      if range[1] then ranges[#ranges + 1] = { fn, queue, range } end
    end
  end
  local suspect = wants_suspect and next_suspect(p, functions, most)
  local found = {}
  if #ranges == 1 and not suspect then
    local fn, queue, range = ranges[1][1], ranges[1][2], ranges[1][3]
    for n = 1, #range, 2 do found[#found + 1] = { fn = fn, queue = queue, place = range[n] } end
    return found
  end
  for _, of in ipairs(ranges) do
    local range = of[3]
    for n = 1, #range, 2 do found[#found + 1] = candidate(of[1], of[2], range[n], range[n + 1]) end
  end
  if suspect then found[#found + 1] = suspect end
  table.sort(found, is_before)
  for n = limit + 1, #found do found[n] = nil end
  return found
end

-- Leases a job. Answers the result that it shares, or false.
local function lease(step, fn, id, request, token)
  local stored = step.jobs .. id
  local job = call('HMGET', stored, 'at', 'ck')
  call('HSET', stored, 'st', 'a', 'at', (job[1] or 0) + 1, 'w', request.worker, 'tk', token, 'sa', step.now)
  note_change(step, id)
  add(step, step.leased, request.expires, id)
  if not job[2] then return false end
  local kept = call('HMGET', step.p .. 'c:' .. key_field(fn, job[2]), 'r', 'e')
  if not kept[1] or (kept[2] and tonumber(kept[2]) <= step.now) then return false end
  -- It uses up no limit, and is not shared again, which would make the result last for ever.
  call('HSET', stored, 'cc', 1)
  call('HDEL', stored, 'ck', 'ct')
  count(step.depth, 'k' .. fn, 1)
  return kept[1]
end

define('claim', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, limit = step.p, tonumber(args[FIRST + 2])
  local request = { worker = args[FIRST], expires = math.min(step.now + tonumber(args[FIRST + 1]), FAR) }
  local functions, most, limits, groups = {}, {}, {}, {}
  for n = 1, tonumber(args[FIRST + 7]) do functions[n] = args[FIRST + 7 + n] end
  local due = next_due(p)
  if due and due <= step.now then
    promote_due(step)
    due = next_due(p)
  end
  if #functions > 0 then
    local paused = call('SMISMEMBER', p .. 'paused', unpack(functions))
    local written = call('HMGET', p .. 'limits', unpack(functions))
    for n, fn in ipairs(functions) do
      if written[n] then
        limits[fn] = cjson.decode(written[n])
        most[fn] = allowance(step, fn, limits[fn], groups, tonumber(args[FIRST + 5]))
      end
      if paused[n] == 1 then most[fn] = 0 end
    end
  end
  local jobs, claimed, starts, token = {}, {}, {}, args[FIRST + 6]
  for _, found in ipairs(candidates(step, functions, limit, most, args[FIRST + 3] == '1')) do
    local fn, place = found.fn, found.place
    local of = limits[fn]
    local group = of and of.group and groups[of.group]
    local fits = not most[fn] or most[fn] > 0
    if fits and group and of.group_max and group >= of.group_max then fits = false end
    if fits then
      if most[fn] then most[fn] = most[fn] - 1 end
      if group then groups[of.group] = group + 1 end
      remove(step, found.queue, place)
      local id, given = id_of(place), #jobs
      local cached = lease(step, fn, id, request, token .. ',' .. given / 2)
      jobs[given + 1], jobs[given + 2] = id, cached
      count(claimed, fn, 1)
      if not cached and of and of.slot then count(starts, fn, 1) end
    end
  end
  for fn, begun in pairs(starts) do call('HINCRBY', p .. 'rate:' .. fn, format('%.0f', limits[fn].slot), begun) end
  for fn, jobs_of in pairs(claimed) do
    count(step.depth, 'q' .. fn, -jobs_of)
    count(step.depth, 'a' .. fn, jobs_of)
  end
  if #jobs > 0 then count(step.busy, request.worker, #jobs / 2) end
  local work = step.work
  commit(step)
  if step.next_start then due = math.min(due or FAR, step.next_start) end
  -- For each job its id and the result that it shares (nothing for none).
  return { work and 1 or 0, jobs, due or false, step.now, request.expires }
end)
