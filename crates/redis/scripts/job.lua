-- Jobs as they are stored: one hash each, `j:` and the sixteen bytes of the id. A field that is not there has its default.
--
--   st status (one letter)   f function            n its name, if another     y type: c cron, e event (else task)
--   pr priority (0)          ca created            du due                     sq number of the change that made it
--   to timeout (30 min)      re retry policy       ik idempotency key         pa parent   ro root
--   so source                k arguments           gk gl concurrency key and its limit    ck ct cache key and time
--   at attempts   ab those written off             lo losses   lb those written off       w worker   tk lease token
--   sa started    en ended   cr cancel requested   cc result comes from the cache         bl waits at its gate
--   o 1 if anything but its queue has to hear of its end (ik gk ck cc er): the common job has none of these
--   tg tags (JSON)   pg pm progress           cp cpa checkpoint     rs result   er tb fr what went wrong
--
-- Letters of the statuses: p pending, q queued, a active, r retrying, c complete, f failed, x cancelled.

-- Where a job stands in its queue: highest priority first (the score), then by due time and order of submission.
local function place_of(due, seq, id)
  return pack('>I7I7', due, seq) .. id
end

local function due_of(place)
  return (unpack_number('>I7', place))
end

local function seq_of(place)
  return (unpack_number('>I7', place, 8))
end

local function id_of(place)
  return string.sub(place, 15)
end

-- Notes that a job went from one status to another; nil is "was not there" and "is there no more".
local function count_status(step, fn, from, to)
  if from then count(step.depth, from .. fn, -1) end
  if to then count(step.depth, to .. fn, 1) end
end

-- Notes a step in the life of a job.
local function note_change(step, id)
  add(step, step.changes, next_change(step), id)
end

-- Counts an end in its hour, or takes it back (`times` is -1). `ended` and `started` are moments; `started` may be nil.
local function count_end(step, fn, kind, status, started, ended, times)
  local hour = format('%.0f', math.floor(ended / HOUR))
  local fields = step.hours[hour]
  if not fields then fields = {}; step.hours[hour] = fields end
  local suffix = (kind or 't') .. fn
  count(fields, status .. suffix, times)
  if started and (status == 'c' or status == 'f') then
    count(fields, 't' .. suffix, times)
    count(fields, 'd' .. suffix, times * math.max(0, ended - started))
  end
end

-- True when others wait for what running jobs of a function use up.
local function is_limited(step, fn)
  local known = step.limited[fn]
  if known == nil then
    known = call('HEXISTS', step.p .. 'limits', fn) == 1
    step.limited[fn] = known
  end
  return known
end

local function key_field(fn, key)
  return fn .. '\0' .. key
end

-- Lets go of the idempotency key of a job that has ended.
local function free_key(step, fn, key)
  if key then call('HDEL', step.p .. 'keys', key_field(fn, key)) end
end

local function tags_of(text)
  if text and text ~= '' then return cjson.decode(text) end
  return {}
end
