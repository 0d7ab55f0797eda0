-- When cron functions run next: `list_schedules`, `fire_schedule`.

-- For each function that has a schedule: its key, the next run ('' for none) and 1 if it is paused.
define('list_schedules', READS, function(keys, args)
  local p, found = keys[1], {}
  for i = FIRST, #args do
    local fn = args[i]
    local rule = call('HGET', p .. 'rules', fn)
    if rule then
      local n = #found
      found[n + 1] = fn
      found[n + 2] = call('HGET', p .. 'runs', fn) or ''
      found[n + 3] = call('SISMEMBER', p .. 'paused', fn)
    end
  end
  return { 0, found, moment(args) }
end)

-- Arguments: function, the next run as it was read, the one after it ('' for none), then the jobs as in `enqueue`.
define('fire_schedule', WRITES, function(keys, args)
  local step = begin(keys, args)
  local p, fn = step.p, args[FIRST]
  if call('HGET', p .. 'runs', fn) ~= args[FIRST + 1] then return { 0, 0 } end
  if args[FIRST + 2] == '' then call('HDEL', p .. 'runs', fn) else call('HSET', p .. 'runs', fn, args[FIRST + 2]) end
  enqueue_all(step, args, FIRST + 3)
  commit(step)
  return { step.work and 1 or 0, 1 }
end)
