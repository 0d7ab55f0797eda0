-- One step: what every verb begins and ends with. Everything that a verb changes is written by one function call, so it
-- is one atomic step; counters, indexes and the wake-up are collected and written once at its end.
--
-- keys[1] is the prefix of all keys of the workspace. args[1] is the present moment in microseconds, or '' for the server's
-- own clock; args[2] names the caller, so that it is not woken by itself. Everything after that belongs to the verb.

-- While a library is loaded there are neither commands nor Lua's own libraries: each verb begins by fetching these.
local call, format, pack, unpack_number

local function fetch()
  call, format, pack, unpack_number = redis.call, string.format, struct.pack, struct.unpack
end

-- Kinds of verbs: those that write, those that write and may also do so when the server's memory is full, and those that only
-- read.
local WRITES, FREES, READS = {}, { 'allow-oom' }, { 'no-writes' }

-- Makes a verb callable. Its name holds the version of the library, so that workers of two versions can run side by side.
-- The first value that a verb answers is 1 if claimers should look, else 0; when something was written, the changes before and
-- after it stand behind that.
local committed

local function define(name, flags, verb)
  local function callback(keys, args)
    if not call then fetch() end
    committed = nil
    local reply = verb(keys, args)
    if committed then reply[1] = format('%d %.0f %.0f', reply[1], committed.first, committed.change) end
    return reply
  end
  redis.register_function({ function_name = LIBRARY .. '_' .. name, callback = callback, flags = flags })
end

-- The first argument that belongs to a verb.
local FIRST = 3

-- Numbers up to this one are exact in Lua and in sorted sets. Moments beyond it (the year 2255) are cut to it.
local FAR = 9007199254740991

-- Most elements that are passed to one command.
local MOST_ELEMENTS = 4000

local HOUR = 3600000000

local function moment(args)
  local now = tonumber(args[1])
  if now then return now end
  local time = call('TIME')
  return time[1] * 1000000 + time[2]
end

local function begin(keys, args)
  local p = keys[1]
  local change = tonumber(call('GET', p .. 'change') or 0)
  return {
    p = p, now = moment(args), origin = args[2], change = change, first = change,
    work = false, finished = false, added = {}, removed = {}, depth = {}, busy = {}, hours = {}, counts = {}, limited = {},
    completed = {},
    -- Put together once, because most steps use them for each job.
    jobs = p .. 'j:', changes = p .. 'changes', leased = p .. 'leased', ended = p .. 'ended',
  }
end

-- The number of the next step in the life of any job or artifact.
local function next_change(step)
  local change = step.change + 1
  step.change = change
  return change
end

-- Adds to a sorted set when the step ends.
local function add(step, key, score, member)
  local list = step.added[key]
  if not list then list = {}; step.added[key] = list end
  local n = #list
  list[n + 1] = score
  list[n + 2] = member
end

-- Removes from a sorted set when the step ends, before anything is added.
local function remove(step, key, member)
  local list = step.removed[key]
  if not list then list = {}; step.removed[key] = list end
  list[#list + 1] = member
end

local function in_pieces(command, key, list)
  local count = #list
  for from = 1, count, MOST_ELEMENTS do
    call(command, key, unpack(list, from, math.min(count, from + MOST_ELEMENTS - 1)))
  end
end

local function write_indexes(step)
  for key, list in pairs(step.removed) do in_pieces('ZREM', key, list) end
  for key, list in pairs(step.added) do in_pieces('ZADD', key, list) end
  step.removed, step.added = {}, {}
end

local function count(table, key, by)
  table[key] = (table[key] or 0) + by
end

local function write_counts(key, table)
  for field, by in pairs(table) do
    if by ~= 0 then call('HINCRBY', key, field, by) end
  end
end

-- Counts the jobs that this step completed: by function and type, so that a thousand ends cost as much as one.
local function count_completed(step)
  for fn, kinds in pairs(step.completed) do
    for kind, ends in pairs(kinds) do
      count(step.depth, 'a' .. fn, -ends.jobs)
      count(step.depth, ends.status .. fn, ends.jobs)
      local hour = format('%.0f', math.floor(step.now / HOUR))
      local fields = step.hours[hour]
      if not fields then fields = {}; step.hours[hour] = fields end
      count(fields, ends.status .. kind .. fn, ends.jobs)
      count(fields, 't' .. kind .. fn, ends.jobs)
      count(fields, 'd' .. kind .. fn, ends.took)
    end
  end
end

-- Writes what was collected, and wakes the other processes if they may care.
local function commit(step)
  local p = step.p
  write_indexes(step)
  count_completed(step)
  if step.change ~= step.first then call('SET', p .. 'change', step.change) end
  write_counts(p .. 'depth', step.depth)
  write_counts(p .. 'busy', step.busy)
  write_counts(p .. 'counts', step.counts)
  for hour, fields in pairs(step.hours) do
    call('ZADD', p .. 'hours', hour, hour)
    write_counts(p .. 'h:' .. hour, fields)
  end
  if step.work or step.finished then call('PUBLISH', p .. 'wake', step.origin) end
  committed = step
end

-- Fields of a reply to HGETALL, by name.
local function fields_of(flat)
  local fields = {}
  for n = 1, #flat, 2 do fields[flat[n]] = flat[n + 1] end
  return fields
end
