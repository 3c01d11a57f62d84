-- Changes stored keys, see entries.lua. KEYS: the shared hash, the hash of keys, the set of changes. ARGV[1]: the version
-- that was read; ARGV[2]: how many changes are remembered; then pairs of SHA-256 and value.
-- Returns the new version, or nil where it was not done.
-- Changes are remembered from one version on, up to another: where that is not the last one, somebody changed keys who
-- does not remember.
-- Entries before all else: a server that is out of memory refuses what takes more of it, but not once something was
-- written.
local following, version = change_entries('keys', 3)
if not following then return false end
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
