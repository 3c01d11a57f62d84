-- Adds to the rent of some units what has come since they were last accounted for, unless somebody else did it.
-- KEYS: the meters, then the days that entries are of. ARGV[1]: seconds that a day is kept. ARGV[2]: a msgpack array of
-- {unit, its meter as it was read, its meter from now on, {number of the day, state, milliseconds, nano-USD, ..}}.
-- Answers how many were added. Integers of 64 bits are added by the server: they are exact.
local call = redis.call
local accruals, added = cmsgpack.unpack(ARGV[2]), 0
for i = 1, #accruals do
  local unit, before, after, entries = unpack(accruals[i])
  if (call('HGET', KEYS[1], unit) or '') == before then
    call('HSET', KEYS[1], unit, after)
    for e = 1, #entries, 4 do
      local day, state = KEYS[1 + entries[e]], unit .. '|' .. entries[e + 1]
      call('HINCRBY', day, state .. '|ms', string.format('%.0f', entries[e + 2]))
      call('HINCRBY', day, state .. '|nano', string.format('%.0f', entries[e + 3]))
      call('EXPIRE', day, ARGV[1])
    end
    added = added + 1
  end
end
return added
