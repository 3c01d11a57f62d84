-- What became of a message that was sent. KEYS: the lane's message, its notices, its lease, the hash of lanes. ARGV: the
-- lane, who had taken it, the message's id, `delivered`, `failed` or `dropped`, seconds until it is tried again, why.
-- Returns whether it still was this message; whoever comes late with an older one changes nothing.
local call = redis.call
if call('HGET', KEYS[1], 'id') ~= ARGV[3] then return 0 end
local lane, outcome = ARGV[1], ARGV[4]
local now = call('TIME')[1]
local mine = call('GET', KEYS[3]) == ARGV[2]
if mine then call('DEL', KEYS[3]) end
if outcome == 'failed' then
  if not mine then return 0 end
  call('HINCRBY', KEYS[1], 'attempts', 1)
  call('HSET', KEYS[1], 'due', tostring(now + ARGV[5]))
  call('HINCRBY', KEYS[4], lane .. '|failures', 1)
  call('HSET', KEYS[4], lane .. '|failed', now, lane .. '|why', ARGV[6])
  return 1
end
if outcome == 'dropped' then
  call('HINCRBY', KEYS[4], lane .. '|dropped', call('LLEN', KEYS[2]))
else
  call('HSET', KEYS[4], lane .. '|delivered', now, lane .. '|failures', 0)
end
call('DEL', KEYS[1], KEYS[2], KEYS[3])
return 1
