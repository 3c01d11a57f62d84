-- What the server holds for one worker, after it lost writes: {.., the worker's part of its ids, holds, lease bucket of
-- now}, with holds as bucket, id, hold, ..: those of its running requests.
-- They are held again, unless they were charged already, which a late settlement takes back. Of its other requests
-- nothing is held any more: they have ended, and the server lost that. The next sweep begins with the oldest of them. Counters are made right by recount.lua.
local own, holds = input[9], input[10]
local running, oldest = {}, nil
for i = 1, #holds, 3 do
  running[holds[i + 1]] = true
  if not oldest or holds[i] < oldest then oldest = holds[i] end
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
local swept = call('GET', prefix .. 'swept')
if oldest and tonumber(oldest) < tonumber(swept or input[11]) then call('SET', prefix .. 'swept', tonumber(oldest)) end
return 1
