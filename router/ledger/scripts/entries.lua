-- Stands before keys.lua and teams.lua: entries of a hash that change together with their version, unless somebody else
-- changed some since they were read. KEYS[1]: the shared hash. KEYS[2]: the hash of entries. ARGV[1]: the version that
-- was read, empty for none.
-- Writes pairs of field and value from ARGV[first] on, an empty value to remove. Returns the new version, which is still
-- to be written to `name` of the shared hash, and the old one; nil where it was not done. The first version is the time
-- in milliseconds: a store made anew after the old one was lost gets another one.
local function change_entries(name, first)
  local version = redis.call('HGET', KEYS[1], name)
  if (version or '') ~= ARGV[1] then return nil end
  local following = version and version + 1
  if not following then
    local time = redis.call('TIME')
    following = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  for i = first, #ARGV, 2 do
    if ARGV[i + 1] == '' then
      redis.call('HDEL', KEYS[2], ARGV[i])
    else
      redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    end
  end
  return string.format('%.0f', following), version
end
