-- `renew`: prolongs leases and notes the worker's sign of life. Arguments: worker, lease in microseconds, memory of its
-- process in bytes ('' when it cannot tell), then id and token of each lease. Answers for each 0 (lost), 1 (held) or 2 (held, but its end was asked for).

define('renew', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, worker = step.p, args[FIRST]
  local expires = math.min(step.now + tonumber(args[FIRST + 1]), FAR)
  -- A renewal that was under way while the worker said goodbye does not bring it back.
  if call('HEXISTS', p .. 'workers', worker) == 1 and call('HEXISTS', p .. 'stopped', worker) == 0 then
    add(step, p .. 'beats', step.now, worker)
    if args[FIRST + 2] == '' then
      call('HDEL', p .. 'memory', worker)
    else
      call('HSET', p .. 'memory', worker, args[FIRST + 2])
    end
  end
  local answers = {}
  for i = FIRST + 3, #args, 2 do
    local job = call('HMGET', p .. 'j:' .. args[i], 'tk', 'cr')
    local answer = 0
    if job[1] == args[i + 1] then
      add(step, p .. 'leased', expires, args[i])
      answer = job[2] and 2 or 1
    end
    answers[#answers + 1] = answer
  end
  commit(step)
  return { 0, answers, expires }
end)
