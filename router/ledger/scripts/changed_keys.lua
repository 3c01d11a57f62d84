-- Stored keys that changed after a version. KEYS as in keys.lua; ARGV[1]: that version, ARGV[2]: most keys to answer.
-- Answers the version now, and SHA-256 and value of each, an empty value where it was removed; or nil where the changes
-- since are not remembered, or are more.
local version = redis.call('HGET', KEYS[1], 'keys')
local first, last = string.match(redis.call('HGET', KEYS[1], 'keys:changes') or '', '^(%d+) (%d+)$')
if not version or last ~= version or tonumber(ARGV[1]) < tonumber(first) then return false end
local changed = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2] + 1)
if #changed > tonumber(ARGV[2]) then return false end
local answer = {version}
for _, sha256 in ipairs(changed) do
  answer[#answer + 1] = sha256
  answer[#answer + 1] = redis.call('HGET', KEYS[2], sha256) or ''
end
return answer
