-- `release`: gives leases back unused. Arguments: the losses that make a job one that must not lose one more worker, then id and
-- token of each lease.
--
-- As if the attempt had not been: the job shows the one before it again, if there was one. A job whose end was asked for is left
-- to `reclaim_expired`, which ends it.

local function release_one(step, id, token, suspect_losses)
  local p = step.p
  local stored = p .. 'j:' .. id
  local job = fields_of(call('HGETALL', stored))
  if not job.tk or job.tk ~= token then return end
  if job.cr then
    add(step, p .. 'leased', 0, id)
    return
  end
  local fn, attempts = job.f, tonumber(job.at) - 1
  call('HSET', stored, 'st', 'q', 'at', attempts)
  call('HDEL', stored, 'tk', 'w', 'sa', 'cc')
  local before = call('HGET', p .. 'x:' .. id, attempts)
  if before then
    local attempt = cjson.decode(before)
    if attempt[1] ~= cjson.null then call('HSET', stored, 'w', attempt[1]) end
    if attempt[2] ~= cjson.null then call('HSET', stored, 'sa', attempt[2]) end
  end
  forget_lease(step, id, fn, job.w, job.cc)
  note_change(step, id)
  count_status(step, fn, 'a', 'q')
  local losses = tonumber(job.lo or 0) - tonumber(job.lb or 0)
  local place = place_of(tonumber(job.du), tonumber(job.sq), id)
  line_up(step, fn, tonumber(job.pr or 0), place, losses >= suspect_losses)
end

define('release', WRITES, function(keys, args)
  local step = begin(keys, args)
  for i = FIRST + 1, #args, 2 do release_one(step, args[i], args[i + 1], tonumber(args[FIRST])) end
  step.work = true
  commit(step)
  return { 1 }
end)
