-- `reclaim_expired`: the leases that ran out, at most as many as the argument says, each with its id and the facts that the
-- decision about it needs. They are taken back by `finish`, if they still are as they were found.

define('reclaim_expired', READS, function(keys, args)
  local p = keys[1]
  local now, found = moment(args), {}
  for _, id in ipairs(call('ZRANGEBYSCORE', p .. 'leased', '-inf', now, 'LIMIT', 0, args[FIRST])) do
    found[#found + 1] = id
    found[#found + 1] = call('HMGET', p .. 'j:' .. id, unpack(FACTS))
  end
  return { 0, found }
end)
