-- Changes stored teams, unless somebody else did since they were read. KEYS: the shared hash, the hash of teams. ARGV[1]:
-- the version that was read, empty for none; then pairs of name and value, an empty value to remove.
-- Returns the new version, or nil where it was not done. The first version is the time in milliseconds, as in keys.lua.
local version = redis.call('HGET', KEYS[1], 'teams')
if (version or '') ~= ARGV[1] then return false end
local following = version and version + 1
if not following then
  local time = redis.call('TIME')
  following = time[1] * 1000 + math.floor(time[2] / 1000)
end
following = string.format('%.0f', following)
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
redis.call('HSET', KEYS[1], 'teams', following)
return following
