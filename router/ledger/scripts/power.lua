-- Writes what the controller of units has decided, unless another one holds the lease. KEYS: the lease, the hash of
-- units, the shared hash, the list of events. ARGV: the controller's token, how many events are kept, how many words
-- are for each of the two hashes, these words (field, value; an empty value removes), then events, the latest one last.
-- Returns whether it was done.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local at = 5
local function write(key, words)
  for i = at, at + words - 1, 2 do
    if ARGV[i + 1] == '' then
      redis.call('HDEL', key, ARGV[i])
    else
      redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    end
  end
  at = at + words
end
write(KEYS[2], tonumber(ARGV[3]))
write(KEYS[3], tonumber(ARGV[4]))
for i = at, #ARGV do redis.call('LPUSH', KEYS[4], ARGV[i]) end
redis.call('LTRIM', KEYS[4], 0, ARGV[2] - 1)
return 1
