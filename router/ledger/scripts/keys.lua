-- Changes stored keys, unless somebody else did since they were read. KEYS: the shared hash, the hash of keys, the set
-- of changes. ARGV[1]: the version that was read, empty for none; ARGV[2]: how many changes are remembered; then pairs
-- of SHA-256 and value, an empty value to remove.
-- Returns the new version, or nil where it was not done. The first version is the time in milliseconds: a store made anew after the old one was
-- lost gets another one.
-- Changes are remembered from one version on, up to another: where that is not the last one, somebody changed keys who
-- does not remember.
local version = redis.call('HGET', KEYS[1], 'keys')
if (version or '') ~= ARGV[1] then return false end
local following = version and version + 1
if not following then
  local time = redis.call('TIME')
  following = time[1] * 1000 + math.floor(time[2] / 1000)
end
following = string.format('%.0f', following)
-- Before all else: a server that is out of memory refuses what takes more of it, but not once something was written.
for i = 3, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
local first, last = string.match(redis.call('HGET', KEYS[1], 'keys:changes') or '', '^(%d+) (%d+)$')
if last ~= version then
  redis.call('DEL', KEYS[3])
  first = following
end
for i = 3, #ARGV, 2 do redis.call('ZADD', KEYS[3], following, ARGV[i]) end
local over = redis.call('ZCARD', KEYS[3]) - ARGV[2]
if over > 0 then
  local popped = redis.call('ZPOPMIN', KEYS[3], over)
  first = popped[#popped]
end
redis.call('HSET', KEYS[1], 'keys', following, 'keys:changes', first .. ' ' .. following)
return following
