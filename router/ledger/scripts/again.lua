-- What the server holds for one worker, after it lost writes: {.., the worker's part of its ids, holds}, with holds as
-- bucket, id, hold, ..: those of its running requests.
-- They are held again, unless they were charged already, which a late settlement takes back. Of its other requests
-- nothing is held any more: they have ended, and the server lost that. Counters are made right by recount.lua.
local own, holds = input[9], input[10]
local running = {}
for i = 1, #holds, 3 do
  running[holds[i + 1]] = true
  if call('HEXISTS', prefix .. 'charged:' .. holds[i], holds[i + 1]) == 0 then
    call('HSET', prefix .. 'hold:' .. holds[i], holds[i + 1], holds[i + 2])
  end
end
local buckets = call('KEYS', prefix .. 'hold:*')
for b = 1, #buckets do
  local ids = call('HKEYS', buckets[b])
  for i = 1, #ids do
    if sub(ids[i], 9, 8 + #own) == own and not running[ids[i]] then call('HDEL', buckets[b], ids[i]) end
  end
end
return 1
