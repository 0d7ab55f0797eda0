-- Figures about jobs: `functions_ended`, `count_ended`, `count_active`, `queue_depth`, `longest_queued`, `stuck`.

-- Letters and counts of each hour from one to another, both included: hour, then its fields.
define('hours', READS, function(keys, args)
  local p, found = keys[1], {}
  for _, hour in ipairs(call('ZRANGEBYSCORE', p .. 'hours', args[FIRST], args[FIRST + 1])) do
    found[#found + 1] = { hour, call('HGETALL', p .. 'h:' .. hour) }
  end
  return { 0, found, moment(args) }
end)

-- Counts jobs that ended from one moment to before another. Arguments: these, function (''), how many to pass over, how many to
-- look at. Answers how many it looked at, complete, failed, cancelled, timed, and how long these took together.
define('count_ended', READS, function(keys, args)
  local p, fn, most = keys[1], args[FIRST + 2], args[FIRST + 4]
  local ids = call('ZRANGEBYSCORE', p .. 'ended', args[FIRST], '(' .. args[FIRST + 1], 'LIMIT', args[FIRST + 3], most)
  local sums, timed, took = { c = 0, f = 0, x = 0 }, 0, 0
  for _, id in ipairs(ids) do
    local job = call('HMGET', p .. 'j:' .. id, 'st', 'f', 'sa', 'en')
    if job[1] and (fn == '' or job[2] == fn) then
      count(sums, job[1], 1)
      if job[3] and job[1] ~= 'x' then
        timed = timed + 1
        took = took + math.max(0, tonumber(job[4]) - tonumber(job[3]))
      end
    end
  end
  return { 0, #ids, sums.c, sums.f, sums.x, timed, took }
end)

-- Running jobs by the hour in which their attempt began. Arguments: function and letter of the type ('' each for all).
define('count_active', READS, function(keys, args)
  local p, hours = keys[1], {}
  for _, id in ipairs(call('ZRANGE', p .. 'leased', 0, -1)) do
    local job = call('HMGET', p .. 'j:' .. id, 'f', 'y', 'sa')
    local fits = (args[FIRST] == '' or job[1] == args[FIRST]) and (args[FIRST + 1] == '' or (job[2] or 't') == args[FIRST + 1])
    if fits and job[3] then count(hours, math.floor(tonumber(job[3]) / HOUR), 1) end
  end
  local flat = {}
  for hour, jobs in pairs(hours) do flat[#flat + 1], flat[#flat + 2] = hour, jobs end
  return { 0, flat, moment(args) }
end)

-- Calls back with each priority that a queue holds.
local function each_priority(queue, with)
  local from = '-inf'
  while true do
    local first = call('ZRANGE', queue, from, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
    if not first[1] then return end
    with(first[2], first[1])
    from = '(' .. first[2]
  end
end

-- Counts of all statuses by function, then for each function with queued jobs when the oldest of them became due.
define('queue_depth', READS, function(keys, args)
  local p, oldest = keys[1], {}
  local depth = call('HGETALL', p .. 'depth')
  for n = 1, #depth, 2 do
    local fn = string.sub(depth[n], 2)
    if string.sub(depth[n], 1, 1) == 'q' and depth[n + 1] ~= '0' then
      local first = FAR
      for _, queue in ipairs({ 'q:', 's:', 'w:' }) do
        each_priority(p .. queue .. fn, function(_, place) first = math.min(first, due_of(place)) end)
      end
      oldest[#oldest + 1], oldest[#oldest + 2] = fn, first
    end
  end
  return { 0, depth, oldest, moment(args) }
end)

-- Those that can run and have waited longest. Argument: limit.
define('longest_queued', READS, function(keys, args)
  local p, places = keys[1], {}
  local depth = call('HKEYS', p .. 'depth')
  for _, field in ipairs(depth) do
    if string.sub(field, 1, 1) == 'q' then
      local queue = p .. 'q:' .. string.sub(field, 2)
      each_priority(queue, function(score)
        for _, place in ipairs(call('ZRANGE', queue, score, score, 'BYSCORE', 'LIMIT', 0, args[FIRST])) do
          places[#places + 1] = place
        end
      end)
    end
  end
  table.sort(places, function(a, b)
    if due_of(a) ~= due_of(b) then return due_of(a) < due_of(b) end
    return seq_of(a) < seq_of(b)
  end)
  local ids = {}
  for n = 1, math.min(#places, tonumber(args[FIRST])) do ids[n] = id_of(places[n]) end
  return { 0, ids }
end)

-- Those that run although their timeout is over or their lease ran out, the oldest first. Arguments: limit, the timeout of jobs
-- that name none.
define('stuck', READS, function(keys, args)
  local p, now, found = keys[1], moment(args), {}
  local leased = call('ZRANGE', p .. 'leased', 0, -1, 'WITHSCORES')
  for n = 1, #leased, 2 do
    local job = call('HMGET', p .. 'j:' .. leased[n], 'sa', 'to', 'sq')
    local began = tonumber(job[1])
    if tonumber(leased[n + 1]) < now or began + tonumber(job[2] or args[FIRST + 1]) < now then
      found[#found + 1] = { began, tonumber(job[3]), leased[n] }
    end
  end
  table.sort(found, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  local ids = {}
  for n = 1, math.min(#found, tonumber(args[FIRST])) do ids[n] = found[n][3] end
  return { 0, ids }
end)
