-- HTTP APIs: `record_requests`, `list_apis`, `api_traffic`, `list_requests`; and what goes of them because of its age.
--
-- An instance is a hash (`api:` and its id); `api_beats` sorts instances by their last sign of life. Requests are members of one
-- sorted set for each API and class of statuses (`requests:`), by number: the moment, then the request as JSON. Figures are one
-- hash for each API, hour, route and method (`traffic:`); `traffic_hours` sorts these by hour.

local function requests_key(p, api, class)
  return p .. 'requests:' .. class .. api
end

-- Arguments: id of the instance, its API, what is kept of it (JSON), 1 if it stops, dropped requests, requests kept of each class,
-- number of requests, for each of these class, moment and JSON; then for each figure: its name (JSON), hour, number of counters,
-- and place and count of each.
define('record_requests', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, id, api = step.p, args[FIRST], args[FIRST + 1]
  local stored = p .. 'api:' .. id
  call('HSETNX', stored, 'sa', step.now)
  call('HSET', stored, 'r', args[FIRST + 2], 'hb', step.now)
  if args[FIRST + 3] == '1' then call('HSET', stored, 'en', step.now) else call('HDEL', stored, 'en') end
  call('HINCRBY', stored, 'dr', args[FIRST + 4])
  call('ZADD', p .. 'api_beats', step.now, id)
  local i, trim = FIRST + 7, {}
  for _ = 1, tonumber(args[FIRST + 6]) do
    local key = requests_key(p, api, args[i])
    local number = call('INCR', p .. 'request')
    call('ZADD', key, number, format('%.0f', number) .. ' ' .. args[i + 1] .. ' ' .. args[i + 2])
    trim[key] = true
    i = i + 3
  end
  if next(trim) then call('SADD', p .. 'apis', api) end
  for key in pairs(trim) do call('ZREMRANGEBYRANK', key, 0, -1 - tonumber(args[FIRST + 5])) end
  while args[i] do
    local name, counters = args[i], tonumber(args[i + 2])
    call('ZADD', p .. 'traffic_hours', args[i + 1], name)
    for n = 1, counters do call('HINCRBY', p .. 'traffic:' .. name, args[i + 1 + 2 * n], args[i + 2 + 2 * n]) end
    i = i + 3 + 2 * counters
  end
  commit(step)
  return { 0 }
end)

-- Argument: age at which instances are left out. For each: what is kept of it, when it began, its last sign of life, when it
-- stopped (''), dropped requests.
define('list_apis', READS, function(keys, args)
  local p, now, found = keys[1], moment(args), {}
  for _, id in ipairs(call('ZRANGEBYSCORE', p .. 'api_beats', now - tonumber(args[FIRST]), '+inf')) do
    local api = call('HMGET', p .. 'api:' .. id, 'r', 'sa', 'hb', 'en', 'dr')
    found[#found + 1] = { api[1], api[2], api[3], api[4] or '', api[5] }
  end
  return { 0, found, now }
end)

-- Argument: how many hours. For each figure its name and its counters (place and count of each).
define('api_traffic', READS, function(keys, args)
  local p, now, found = keys[1], moment(args), {}
  local first = math.floor(now / HOUR) - tonumber(args[FIRST]) + 1
  for _, name in ipairs(call('ZRANGEBYSCORE', p .. 'traffic_hours', first, '+inf')) do
    found[#found + 1] = { name, call('HGETALL', p .. 'traffic:' .. name) }
  end
  return { 0, found, now }
end)

-- Arguments: API ('' for all), class ('' for all), after, before, limit of each class and API ('' for none). For each request:
-- API, member.
define('list_requests', READS, function(keys, args)
  local p, found = keys[1], {}
  local apis = args[FIRST] ~= '' and { args[FIRST] } or call('SMEMBERS', p .. 'apis')
  local classes = args[FIRST + 1] ~= '' and { args[FIRST + 1] } or { 0, 1, 2, 3, 4 }
  local most = args[FIRST + 4] == '' and -1 or args[FIRST + 4]
  for _, api in ipairs(apis) do
    for _, class in ipairs(classes) do
      local key = requests_key(p, api, class)
      local page = call('ZREVRANGEBYSCORE', key, '(' .. args[FIRST + 3], '(' .. args[FIRST + 2], 'LIMIT', 0, most)
      for _, member in ipairs(page) do found[#found + 1], found[#found + 2] = api, member end
    end
  end
  return { 0, found }
end)

-- Forgets instances that nothing was heard of for so long, and requests and figures of older hours than so many.
local function expire_apis(step, listed_for, hours_kept)
  local p = step.p
  for _, id in ipairs(call('ZRANGEBYSCORE', p .. 'api_beats', '-inf', '(' .. format('%.0f', step.now - listed_for))) do
    call('DEL', p .. 'api:' .. id)
    call('ZREM', p .. 'api_beats', id)
  end
  local first = math.floor(step.now / HOUR) - hours_kept
  for _, name in ipairs(call('ZRANGEBYSCORE', p .. 'traffic_hours', '-inf', '(' .. format('%.0f', first))) do
    call('DEL', p .. 'traffic:' .. name)
    call('ZREM', p .. 'traffic_hours', name)
  end
  for _, api in ipairs(call('SMEMBERS', p .. 'apis')) do
    local is_left = false
    for class = 0, 4 do
      local key = requests_key(p, api, class)
      for _, member in ipairs(call('ZRANGE', key, 0, -1)) do
        local at = tonumber(string.match(member, '^%d+ (%-?%d+) '))
        if at < first * HOUR then call('ZREM', key, member) else is_left = true end
      end
    end
    if not is_left then call('SREM', p .. 'apis', api) end
  end
end
