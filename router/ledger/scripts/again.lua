-- Some of what the server holds for one worker, after it lost writes: {.., holds, ended, lease bucket of now}.
--   holds   bucket, id, hold, ..: of running requests
--   ended   bucket, id, ..: of others
-- The first are held again, unless they are or were charged already, which a late settlement takes back. Of the others
-- nothing is held or charged any more: they have ended, and the server lost that. Each time their counters follow at
-- once, so the books are right between any two calls. The next sweep begins with the oldest of them.
local holds, ended = input[9], input[10]
local oldest

for i = 1, #holds, 3 do
  local bucket, id, value = holds[i], holds[i + 1], holds[i + 2]
  if not oldest or bucket < oldest then oldest = bucket end
  if call('HEXISTS', prefix .. 'charged:' .. bucket, id) == 0 and call('HSETNX', prefix .. 'hold:' .. bucket, id, value) == 1
  then
    settle_counters(read_hold(value), -1, 0)
  end
end
local records = {}
for i = 1, #ended, 2 do lift(ended[i], ended[i + 1], {}, records) end
write_records(array_of(records), #records)
local swept = call('GET', prefix .. 'swept')
if oldest and tonumber(oldest) < tonumber(swept or input[11]) then call('SET', prefix .. 'swept', tonumber(oldest)) end
return 1
