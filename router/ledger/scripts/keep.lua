-- Keeps what was added up of a day or an hour, unless something more was counted there meanwhile, which forgets all that
-- is kept of it.
-- KEYS: the hash of sums, the hash of cells. ARGV: the mark that was there before they were read, then fields and
-- values.
if redis.call('HGET', KEYS[1], 'begun') ~= ARGV[1] then return 0 end
for first = 2, #ARGV, 1000 do
  redis.call('HSET', KEYS[1], unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
local left = redis.call('TTL', KEYS[2])
if left > 0 then redis.call('EXPIRE', KEYS[1], left) else redis.call('PERSIST', KEYS[1]) end
return 1
