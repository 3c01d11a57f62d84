-- Changes stored teams, see entries.lua. KEYS: the shared hash, the hash of teams. ARGV[1]: the version that was read; then
-- pairs of name and value.
-- Returns the new version, or nil where it was not done.
local following = change_entries('teams', 2)
if not following then return false end
redis.call('HSET', KEYS[1], 'teams', following)
return following
