-- What servers keep here for themselves: `hold_cursor`, `keep_secret`.

-- Arguments: name, holder, place (''), lease in microseconds. Answers the place, or '' while somebody else holds the cursor.
define('hold_cursor', WRITES, function(keys, args)
  local step = begin(keys, args)
  local cursor = step.p .. 'cursor:' .. args[FIRST]
  local known = call('HMGET', cursor, 'holder', 'until', 'place')
  if known[1] and known[1] ~= args[FIRST + 1] and tonumber(known[2]) > step.now then return { 0, '' } end
  local place = tonumber(known[3] or step.change)
  local wanted = tonumber(args[FIRST + 2])
  if wanted then place = known[3] and math.max(place, wanted) or wanted end
  local until_moment = math.min(step.now + tonumber(args[FIRST + 3]), FAR)
  call('HSET', cursor, 'holder', args[FIRST + 1], 'until', until_moment, 'place', place)
  commit(step)
  return { 0, format('%.0f', place) }
end)

-- Arguments: name, fresh bytes. The first bytes stay.
define('keep_secret', WRITES, function(keys, args)
  local step = begin(keys, args)
  call('HSETNX', step.p .. 'secrets', args[FIRST], args[FIRST + 1])
  commit(step)
  return { 0, call('HGET', step.p .. 'secrets', args[FIRST]) }
end)
