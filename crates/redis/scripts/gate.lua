-- The gate: jobs of one function with the same concurrency key run only so many at once.
--
-- A job holds a place (`gp:`) from when it enters the queue until it stops running. Those that find none wait in `gw:`, and
-- are in `w:` of their function for the counts; whoever gives a place up lets the next one in. So a claim knows nothing of
-- gates, and a key with a million waiting jobs is in nobody's way.

-- Puts a job into the queue that claims read.
local function line_up(step, fn, priority, place, is_suspect)
  add(step, step.p .. (is_suspect and 's:' or 'q:') .. fn, -priority, place)
  step.work = true
end

-- A job that is due enters the queue, or waits for a place.
local function enter(step, id, fn, priority, place, key, limit)
  if key and key ~= '' then
    local gate = key_field(fn, key)
    if call('SCARD', step.p .. 'gp:' .. gate) >= tonumber(limit) then
      call('HSET', step.p .. 'j:' .. id, 'bl', 1)
      call('ZADD', step.p .. 'gw:' .. gate, -priority, place)
      call('ZADD', step.p .. 'w:' .. fn, -priority, place)
      step.work = true
      return
    end
    call('SADD', step.p .. 'gp:' .. gate, id)
  end
  line_up(step, fn, priority, place, false)
end

-- A job that may hold a place at a gate stops to run or to wait: lets in who fits.
local function leave(step, id, fn, key)
  if not key then return end
  local p, gate = step.p, key_field(fn, key)
  if call('SREM', p .. 'gp:' .. gate, id) == 0 then return end
  local taken = call('SCARD', p .. 'gp:' .. gate)
  while true do
    local next = call('ZRANGE', p .. 'gw:' .. gate, 0, 0, 'WITHSCORES')
    local place = next[1]
    if not place then return end
    local waiting = id_of(place)
    if taken >= tonumber(call('HGET', p .. 'j:' .. waiting, 'gl')) then return end
    call('ZREM', p .. 'gw:' .. gate, place)
    call('ZREM', p .. 'w:' .. fn, place)
    call('HDEL', p .. 'j:' .. waiting, 'bl')
    call('SADD', p .. 'gp:' .. gate, waiting)
    line_up(step, fn, -tonumber(next[2]), place, false)
    taken = taken + 1
  end
end

-- Takes a queued job out of the queue, or from its gate.
local function take_out(step, id, job)
  local p, fn = step.p, job.f
  local place = place_of(tonumber(job.du), tonumber(job.sq), id)
  if job.bl then
    call('ZREM', p .. 'gw:' .. key_field(fn, job.gk), place)
    call('ZREM', p .. 'w:' .. fn, place)
    return
  end
  call('ZREM', p .. 'q:' .. fn, place)
  call('ZREM', p .. 's:' .. fn, place)
  leave(step, id, fn, job.gk)
end
