-- `report`: notes what running attempts say. For each: id, token, a letter and two values:
--   P  fraction and message ('' for none)     C  state and ''     L  the line as JSON and ''

local function report_one(step, id, token, letter, first, second)
  local p = step.p
  local stored = p .. 'j:' .. id
  local job = call('HMGET', stored, 'tk', 'at')
  if not job[1] or job[1] ~= token then return end
  if letter == 'L' then
    call('RPUSH', p .. 'l:' .. id, job[2] .. ' ' .. first)
    return
  end
  if letter == 'P' then
    call('HSET', stored, 'pg', first)
    if second ~= '' then call('HSET', stored, 'pm', second) end
  else
    call('HSET', stored, 'cp', first, 'cpa', step.now)
  end
  note_change(step, id)
end

define('report', WRITES, function(keys, args)
  local step = begin(keys, args)
  for i = FIRST, #args, 5 do report_one(step, args[i], args[i + 1], args[i + 2], args[i + 3], args[i + 4]) end
  commit(step)
  return { 0 }
end)
