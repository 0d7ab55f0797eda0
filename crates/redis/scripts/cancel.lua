-- `cancel`: ends a job before its time. Arguments: id, and seven letters, one for each status in the order pqarcfx, of what the
-- core decides for it: A (at once), R (its worker is asked), T (too late).

-- A job that waited ends: its places are given up, and it is counted.
local function end_waiting(step, id, job)
  local p, fn = step.p, job.f
  if job.st == 'q' then take_out(step, id, job) else call('ZREM', p .. 'due', id) end
  call('HSET', p .. 'j:' .. id, 'st', 'x', 'en', step.now, 'fr', 'cancelled')
  call('HDEL', p .. 'j:' .. id, 'bl')
  note_change(step, id)
  add(step, p .. 'ended', step.now, id)
  add(step, p .. 'bad', tonumber(job.sq), id)
  count_status(step, fn, job.st, 'x')
  count_end(step, fn, job.y, 'x', tonumber(job.sa), step.now, 1)
  free_key(step, fn, job.ik)
  step.finished = true
end

define('cancel', WRITES, function(keys, args)
  local step = begin(keys, args)
  local id, stored = args[FIRST], step.p .. 'j:' .. args[FIRST]
  local job = fields_of(call('HGETALL', stored))
  if not job.st then return { 0, '', '' } end
  local place = string.find('pqarcfx', job.st, 1, true)
  local decision = string.sub(args[FIRST + 1], place, place)
  if decision == 'A' then
    end_waiting(step, id, job)
  elseif decision == 'R' then
    call('HSET', stored, 'cr', 1)
    note_change(step, id)
    -- Its worker is woken like any other and renews at once when it sees the change.
    step.work = true
  end
  commit(step)
  return { step.work and 1 or 0, decision, job.st }
end)
