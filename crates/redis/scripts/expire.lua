-- What goes because of its age or on request: `expire`, `delete_job`.

-- Removes a job that has ended, with all it has. `keeps_figures`: it stays counted among those that ended. Answers G (gone),
-- or why it stays: U (unknown), P and the artifact (pinned), or the letter of its status.
local function remove_job(step, id, keeps_figures)
  local p = step.p
  local stored = p .. 'j:' .. id
  local job = fields_of(call('HGETALL', stored))
  if not job.st then return 'U' end
  if not string.find('cfx', job.st, 1, true) then return job.st end
  local pinned = call('SRANDMEMBER', p .. 'pinned:' .. id)
  if pinned then return 'P', pinned end
  for _, artifact in ipairs(call('ZRANGE', p .. 'aj:' .. id, 0, -1)) do remove_artifact(step, artifact) end
  if not keeps_figures then count_end(step, job.f, job.y, job.st, tonumber(job.sa), tonumber(job.en), -1) end
  for _, artifact in ipairs(call('ZRANGE', p .. 'rj:' .. id, 0, -1)) do call('ZREM', p .. 'ra:' .. artifact, id) end
  if job.ro then call('ZREM', p .. 't:' .. job.ro, id) end
  for _, tag in ipairs(tags_of(job.tg)) do remove(step, p .. 'jt:' .. tag, id) end
  count_status(step, job.f, job.st, nil)
  call('DEL', stored, p .. 'x:' .. id, p .. 'l:' .. id, p .. 'rj:' .. id, p .. 'ak:' .. id)
  for _, index in ipairs({ 'jobs', 'f:' .. job.f, 'changes', 'ended', 'bad' }) do remove(step, p .. index, id) end
  return 'G'
end

local function expire_artifacts(step, before, limit)
  local p = step.p
  local gone = call('ZRANGEBYSCORE', p .. 'expiring', '-inf', step.now, 'LIMIT', 0, limit)
  local uploads = call('ZRANGEBYSCORE', p .. 'uploads', '-inf', '(' .. before, 'LIMIT', 0, limit - #gone)
  for _, id in ipairs(uploads) do gone[#gone + 1] = id end
  for _, id in ipairs(gone) do remove_artifact(step, id) end
  return #gone
end

-- Jobs with a pinned artifact stay, and are passed over.
local function expire_jobs(step, before, limit)
  local p, gone, passed = step.p, 0, 0
  while gone < limit do
    local page = call('ZRANGEBYSCORE', p .. 'ended', '-inf', '(' .. before, 'LIMIT', passed, limit - gone)
    if #page == 0 then break end
    for _, id in ipairs(page) do
      if remove_job(step, id, true) == 'G' then gone = gone + 1 else passed = passed + 1 end
    end
    write_indexes(step)
  end
  return gone
end

local function expire_hours(step, before)
  local p = step.p
  for _, hour in ipairs(call('ZRANGEBYSCORE', p .. 'hours', '-inf', '(' .. before)) do
    call('DEL', p .. 'h:' .. hour)
    call('ZREM', p .. 'hours', hour)
  end
end

local function expire_deletions(step, before)
  local index = step.p .. 'gone'
  while true do
    local page = call('ZRANGE', index, 0, 499)
    for n, member in ipairs(page) do
      local _, at = unpack_number('>I7I7', member)
      if at >= before then return end
      call('ZREM', index, member)
    end
    if #page == 0 then return end
  end
end

-- Arguments: moment before which jobs ended that go ('' for none), limit, age at which uploads are given up, age at which
-- deletions are forgotten, hour of that first moment, hours of which figures are kept in any case, age at which instances of APIs
-- are forgotten, and hours of which their figures are kept. Answers how many artifacts and jobs went.
define('expire', FREES, function(keys, args)
  local step = begin(keys, args)
  local p, limit = step.p, tonumber(args[FIRST + 1])
  local artifacts, jobs = expire_artifacts(step, format('%.0f', step.now - tonumber(args[FIRST + 2])), limit), 0
  if args[FIRST] ~= '' then
    jobs = expire_jobs(step, args[FIRST], limit)
    local first = math.min(tonumber(args[FIRST + 4]), math.floor(step.now / HOUR) - tonumber(args[FIRST + 5]))
    expire_hours(step, format('%.0f', first))
  end
  expire_deletions(step, step.now - tonumber(args[FIRST + 3]))
  for _, field in ipairs(call('ZRANGEBYSCORE', p .. 'cached', '-inf', step.now, 'LIMIT', 0, limit)) do
    call('DEL', p .. 'c:' .. field)
    call('ZREM', p .. 'cached', field)
  end
  expire_apis(step, tonumber(args[FIRST + 6]), tonumber(args[FIRST + 7]))
  commit(step)
  return { 0, artifacts, jobs }
end)

define('delete_job', FREES, function(keys, args)
  local step = begin(keys, args)
  local answer, pinned = remove_job(step, args[FIRST], false)
  commit(step)
  return { 0, answer, pinned or '' }
end)
