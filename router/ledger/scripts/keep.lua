-- Keeps a part of what was added up of a day in pieces, unless the day was corrected meanwhile, which forgets all of it.
-- KEYS: the hash of sums, the hash of cells. ARGV: what the sums were begun with, then fields and values.
if redis.call('HGET', KEYS[1], 'begun') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
local left = redis.call('TTL', KEYS[2])
if left > 0 then redis.call('EXPIRE', KEYS[1], left) else redis.call('PERSIST', KEYS[1]) end
return 1
