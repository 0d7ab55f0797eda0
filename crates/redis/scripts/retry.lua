-- `retry`: queues a job again by hand. Arguments: id, the letters of the statuses in which the core allows it, the word for how
-- its last attempt ended by status and reason (`f` failed, `t` timeout, `l` lost: three words).
--
-- Earlier attempts stay in history but no longer count against the policy. The idempotency key goes if another unfinished job has
-- taken it over meanwhile.

local function word_of(job, args)
  if job.fr == 'timeout' then return args[FIRST + 3] end
  if job.fr == 'unknown' then return args[FIRST + 4] end
  return args[FIRST + 2]
end

define('retry', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, id = step.p, args[FIRST]
  local stored = p .. 'j:' .. id
  local job = fields_of(call('HGETALL', stored))
  if not job.st then return { 0, '', '' } end
  if not string.find(args[FIRST + 1], job.st, 1, true) then return { 0, 'N', job.st } end
  local fn, now = job.f, step.now
  if job.at then record_attempt(p, id, job.at, job.w, job.sa, job.en, word_of(job, args), job.er, job.tb) end
  count_end(step, fn, job.y, job.st, tonumber(job.sa), tonumber(job.en), -1)
  call('ZREM', p .. 'ended', id)
  call('ZREM', p .. 'bad', id)
  if job.ik then
    local field = key_field(fn, job.ik)
    if call('HSETNX', p .. 'keys', field, id) == 0 then call('HDEL', stored, 'ik') end
  end
  call('HSET', stored, 'st', 'q', 'du', now, 'ab', job.at or 0, 'lb', job.lo or 0)
  call('HDEL', stored, 'en', 'cr', 'fr', 'pg', 'pm')
  note_change(step, id)
  count_status(step, fn, job.st, 'q')
  enter(step, id, fn, tonumber(job.pr or 0), place_of(now, tonumber(job.sq), id), job.gk, job.gl)
  commit(step)
  return { 1, 'Q', job.st }
end)
