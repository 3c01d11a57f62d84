-- What became of a message that was sent. KEYS: the lane's message, its notices, its lease, the hash of lanes, the notices
-- to be sent apart, those aside. ARGV: the lane, who had taken it, the message's id, `delivered`, `failed`, `refused`,
-- `parted`, `aside` or `dropped`, seconds until it is tried again, why, how many notices a lane holds, for how long they
-- are kept (seconds), how many one message has at most.
-- Returns whether it still was this message; whoever comes late with an older one changes nothing.
local call = redis.call
if call('HGET', KEYS[1], 'id') ~= ARGV[3] then return 0 end
local lane, outcome = ARGV[1], ARGV[4]
local time = call('TIME')
local now = time[1] + time[2] / 1e6
local mine = call('GET', KEYS[3]) == ARGV[2]
if mine then call('DEL', KEYS[3]) end
if outcome ~= 'delivered' and outcome ~= 'dropped' then
  if not mine then return 0 end
  call('HINCRBY', KEYS[4], lane .. '|failures', 1)
  call('HSET', KEYS[4], lane .. '|failed', tostring(now), lane .. '|why', ARGV[6])
end
if outcome == 'failed' or outcome == 'refused' then
  call('HINCRBY', KEYS[1], 'attempts', 1)
  if outcome == 'refused' then call('HINCRBY', KEYS[1], 'refusals', 1) end
  call('HSET', KEYS[1], 'due', tostring(now + ARGV[5]))
  return 1
end
local count = call('LLEN', KEYS[2])
local function bound(key, pop)
  local over = call('LLEN', key) - ARGV[7]
  if over > 0 then
    for _ = 1, over do call(pop, key) end
    call('HINCRBY', KEYS[4], lane .. '|dropped', over)
  end
  call('EXPIRE', key, ARGV[8])
end
if outcome == 'parted' then
  for _ = 1, count do call('LPUSH', KEYS[5], call('RPOP', KEYS[2])) end
  bound(KEYS[5], 'RPOP')
  call('HSET', KEYS[4], lane .. '|most', math.max(1, math.floor(count / 2)))
elseif outcome == 'aside' then
  for _ = 1, count do call('RPUSH', KEYS[6], call('LPOP', KEYS[2])) end
  bound(KEYS[6], 'LPOP')
  call('HSET', KEYS[4], lane .. '|rests', tostring(now + ARGV[5]), lane .. '|most', 1)
else
  if outcome == 'dropped' then
    call('HINCRBY', KEYS[4], lane .. '|dropped', count)
    call('HSET', KEYS[4], lane .. '|dropped_why', ARGV[6])
  else
    call('HSET', KEYS[4], lane .. '|delivered', tostring(now), lane .. '|failures', 0)
  end
  local most = call('HGET', KEYS[4], lane .. '|most')
  if most then call('HSET', KEYS[4], lane .. '|most', math.min(most * 2, tonumber(ARGV[9]))) end
end
call('DEL', KEYS[1], KEYS[2], KEYS[3])
return 1
