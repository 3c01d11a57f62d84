-- Changes stored keys, unless somebody else did since they were read. KEYS: the shared hash, the hash of keys.
-- ARGV[1]: the version that was read, empty for none; then pairs of SHA-256 and value, an empty value to remove.
-- Returns whether it was done. The first version is the time in milliseconds: a store made anew after the old one was
-- lost gets another one.
local version = redis.call('HGET', KEYS[1], 'keys')
if (version or '') ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
local following = version and version + 1
if not following then
  local time = redis.call('TIME')
  following = time[1] * 1000 + math.floor(time[2] / 1000)
end
redis.call('HSET', KEYS[1], 'keys', string.format('%.0f', following))
return 1
