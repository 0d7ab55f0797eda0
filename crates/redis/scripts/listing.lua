-- What lists are put together from: `sizes`, `list_attempts`, `list_logs`, `changes_since`. What can be read with plain commands is
-- (`look.rs`), which costs the server a fraction of what a function does; lists choose and count in Rust, page by page, so that no
-- question holds the server up for long.

-- How many members indexes have.
define('sizes', READS, function(keys, args)
  local sizes = {}
  for i = FIRST, #args do sizes[#sizes + 1] = call('ZCARD', keys[1] .. args[i]) end
  return { 0, sizes }
end)

-- A job, and the attempts that did not end it: number and attempt.
define('list_attempts', READS, function(keys, args)
  local p, id = keys[1], args[FIRST]
  return { 0, call('HGETALL', p .. 'x:' .. id), call('HGETALL', p .. 'j:' .. id) }
end)

-- Lines of a job's log from one place to another. Arguments: id, from, to.
define('list_logs', READS, function(keys, args)
  local lines = keys[1] .. 'l:' .. args[FIRST]
  return { 0, call('LLEN', lines), call('LRANGE', lines, args[FIRST + 1], args[FIRST + 2]) }
end)

-- Members of an index of changes that were seen before the cursor, at most so many. `made_of` tells since when one was seen.
local function seen_before(index, cursor, limit, made_of)
  local found, from = {}, '(' .. cursor
  while #found < 2 * limit do
    local page = call('ZRANGEBYSCORE', index, from, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
    for n = 1, #page, 2 do
      if #found < 2 * limit and made_of(page[n]) <= tonumber(cursor) then
        found[#found + 1], found[#found + 2] = page[n], page[n + 1]
      end
      from = '(' .. page[n + 1]
    end
    if #page == 0 then break end
  end
  return found
end

-- Arguments: cursor ('' asks for that of this moment), limit, 1 for artifacts too. Answers the last change; then jobs (id, number,
-- status), created and updated artifacts (id, number, job each), and deletions (member, number).
define('changes_since', READS, function(keys, args)
  local p, cursor, limit = keys[1], args[FIRST], tonumber(args[FIRST + 1])
  local newest = call('GET', p .. 'change') or '0'
  if cursor == '' or limit == 0 then return { 0, newest, {}, {}, {}, {} } end
  local jobs, created, updated, deleted = {}, {}, {}, {}
  local page = call('ZRANGEBYSCORE', p .. 'changes', '(' .. cursor, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
  for n = 1, #page, 2 do jobs[#jobs + 1] = { page[n], page[n + 1], call('HGET', p .. 'j:' .. page[n], 'st') } end
  if args[FIRST + 2] == '1' then
    local function told(list, into)
      for n = 1, #list, 2 do into[#into + 1] = { list[n], list[n + 1], call('HGET', p .. 'a:' .. list[n], 'j') } end
    end
    told(call('ZRANGEBYSCORE', p .. 'made', '(' .. cursor, '+inf', 'WITHSCORES', 'LIMIT', 0, limit), created)
    local function made(id) return tonumber(call('HGET', p .. 'a:' .. id, 'ma')) end
    told(seen_before(p .. 'changed', cursor, limit, made), updated)
    local gone = seen_before(p .. 'gone', cursor, limit, function(member) return (unpack_number('>I7', member)) end)
    for n = 1, #gone, 2 do deleted[#deleted + 1] = { gone[n], gone[n + 1] } end
  end
  return { 0, newest, jobs, created, updated, deleted }
end)
