-- `finish`: ends attempts, each only if its lease still stands. What follows on an outcome is decided by `transition` in the
-- core, never here.
--
-- Arguments: the status that follows when an attempt returned and nobody asked for the job's end; then for each attempt id,
-- token, moment it began, a letter, and what goes with the letter:
--   C  the result: the attempt returned
--   F  nothing: answers what the decision needs to know ("facts")
--   D  a decision: 1 if it holds for a job whose end was asked for, else 0; 1 if the worker was lost; the new status; when it is
--      due (''); reason, error and traceback ('' each for none); the word for how the attempt ended; 1 if one more loss would be
--      too many
-- Answers for each 0 (the lease is stale), the letter of the job's status, or facts (a list).

local FACTS = { 'tk', 'cr', 'at', 'ab', 'lo', 'lb', 're', 'sa', 'w' }

local function forget_lease(step, id, fn, worker, cached)
  remove(step, step.leased, id)
  if worker then count(step.busy, worker, -1) end
  if cached then count(step.depth, 'k' .. fn, -1) end
end

-- The first result is shared until its time is over; those that come meanwhile are not.
local function share_result(step, fn, key, ttl, result)
  local p = step.p
  local kept = p .. 'c:' .. key_field(fn, key)
  local expires = call('HGET', kept, 'e')
  local is_there = call('EXISTS', kept) == 1
  if is_there and (not expires or tonumber(expires) > step.now) then return end
  call('DEL', kept)
  call('HSET', kept, 'r', result)
  if ttl then
    expires = math.min(step.now + tonumber(ttl), FAR)
    call('HSET', kept, 'e', expires)
  end
  call('ZADD', p .. 'cached', ttl and expires or '+inf', key_field(fn, key))
end

-- Those who share, wait for or know a job by more than its id hear of its end.
local function tell_others(step, id, fn, result)
  local stored = step.jobs .. id
  local job = call('HMGET', stored, 'gk', 'ck', 'ct', 'cc', 'ik')
  call('HDEL', stored, 'cc', 'fr', 'er', 'tb')
  if job[4] then count(step.depth, 'k' .. fn, -1) end
  free_key(step, fn, job[5])
  if job[2] then
    share_result(step, fn, job[2], job[3], result)
    step.work = true
  end
  leave(step, id, fn, job[1] or nil)
end

-- The common end: one look, one write, and counts that are written once for all.
local function complete(step, id, token, started, result, status)
  local stored = step.jobs .. id
  local job = call('HMGET', stored, 'tk', 'cr', 'f', 'y', 'w', 'o')
  if job[1] ~= token then return 0 end
  if job[2] then return call('HMGET', stored, unpack(FACTS)) end
  local now, fn, kind, worker = step.now, job[3], job[4] or 't', job[5]
  call('HSET', stored, 'st', status, 'sa', started, 'en', now, 'rs', result, 'tk', '')
  if job[6] then tell_others(step, id, fn, result) end
  remove(step, step.leased, id)
  count(step.busy, worker, -1)
  note_change(step, id)
  add(step, step.ended, now, id)
  local kinds = step.completed[fn]
  if not kinds then kinds = {}; step.completed[fn] = kinds end
  local ends = kinds[kind]
  if not ends then ends = { jobs = 0, took = 0, status = status }; kinds[kind] = ends end
  ends.jobs = ends.jobs + 1
  ends.took = ends.took + math.max(0, now - tonumber(started))
  if is_limited(step, fn) then step.work = true end
  step.finished = true
  return status
end

local function or_nil(text)
  if text == '' then return nil end
  return text
end

-- An attempt goes into the job's history.
local function record_attempt(p, id, number, worker, started, ended, outcome, failure, traceback)
  local null = cjson.null
  local attempt = { worker or null, started or null, ended or null, outcome, failure or null, traceback or null }
  call('HSET', p .. 'x:' .. id, number, cjson.encode(attempt))
end

-- Sets a field, or takes it away.
local function set_or_delete(stored, field, value)
  if value then call('HSET', stored, field, value) else call('HDEL', stored, field) end
end

local function decided(step, args, i)
  local p, id, token, started = step.p, args[i], args[i + 1], args[i + 2]
  local of_cancelled, lost, status = args[i + 4] == '1', args[i + 5] == '1', args[i + 6]
  local due, reason, failure, traceback = args[i + 7], or_nil(args[i + 8]), or_nil(args[i + 9]), or_nil(args[i + 10])
  local stored = p .. 'j:' .. id
  local job = fields_of(call('HGETALL', stored))
  if not job.tk or job.tk ~= token then return 0 end
  -- Renewed since it was found to have run out.
  if lost and tonumber(call('ZSCORE', p .. 'leased', id)) > step.now then return 0 end
  if (job.cr ~= nil) ~= of_cancelled then return call('HMGET', stored, unpack(FACTS)) end
  local now, fn = step.now, job.f
  started = or_nil(started) or job.sa
  call('HSET', stored, 'st', status, 'sa', started)
  if due ~= '' then call('HSET', stored, 'du', due) end
  if lost then call('HINCRBY', stored, 'lo', 1) end
  set_or_delete(stored, 'fr', reason)
  set_or_delete(stored, 'er', failure)
  set_or_delete(stored, 'tb', traceback)
  call('HSET', stored, 'o', 1)
  call('HDEL', stored, 'tk', 'cc')
  forget_lease(step, id, fn, job.w, job.cc)
  note_change(step, id)
  count_status(step, fn, 'a', status)
  if status ~= 'q' then count_end(step, fn, job.y, status, tonumber(started), now, 1) end
  if is_limited(step, fn) then step.work = true end
  if status == 'q' then
    -- It goes back to the queue at once and keeps its place at a gate.
    local place = place_of(tonumber(job.du), tonumber(job.sq), id)
    line_up(step, fn, tonumber(job.pr or 0), place, args[i + 12] == '1')
  else
    leave(step, id, fn, job.gk)
  end
  if status == 'q' or status == 'r' then
    if status == 'r' then add(step, p .. 'due', tonumber(due), id) end
    record_attempt(p, id, job.at, job.w, started, format('%.0f', now), args[i + 11], failure, traceback)
    step.work = true
    return status
  end
  call('HSET', stored, 'en', now)
  add(step, p .. 'ended', now, id)
  if status ~= 'c' then add(step, p .. 'bad', tonumber(job.sq), id) end
  free_key(step, fn, job.ik)
  step.finished = true
  return status
end

local function facts(step, id, token)
  local found = call('HMGET', step.jobs .. id, unpack(FACTS))
  if found[1] ~= token then return 0 end
  return found
end

define('finish', WRITES, function(keys, args)
  local step = begin(keys, args)
  local answers, i = {}, FIRST + 1
  while args[i] do
    local letter, answer = args[i + 3], nil
    if letter == 'C' then
      answer = complete(step, args[i], args[i + 1], args[i + 2], args[i + 4], args[FIRST])
      i = i + 5
    elseif letter == 'F' then
      answer = facts(step, args[i], args[i + 1])
      i = i + 4
    else
      answer = decided(step, args, i)
      i = i + 13
    end
    answers[#answers + 1] = answer
  end
  commit(step)
  return { step.work and 1 or 0, answers, step.now }
end)
