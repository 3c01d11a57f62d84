-- Adds lines to the end of the audit, unless it ends otherwise by now. KEYS: the list of lines, how far receipts are.
-- ARGV: SHA-1 of the line that it ended with, empty for none; how far receipts were and are, both empty where that is
-- not looked at; lines.
-- Returns the length, or 0 where it was not done.
local last = redis.call('LINDEX', KEYS[1], -1)
if (last and redis.sha1hex(last) or '') ~= ARGV[1] then return 0 end
if ARGV[3] ~= '' and (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return 0 end
for i = 4, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3]) end
return redis.call('LLEN', KEYS[1])
