-- Charges the holds of past leases as held: {.., .., lease bucket of now, oldest quarter to keep}.
-- Looks at most one day further than the last sweep did, and again at the hour before it, because clocks differ.
-- Answers {1 when there is more to sweep, holds charged, the whole volume, flat}.
local now, oldest = input[3], input[4]
local swept = tonumber(call('GET', prefix .. 'swept') or now - 1440)
local first = math.min(swept, now) - 60
local last = math.min(now, first + 1500)
local charged = 0

local function charge_bucket(bucket)
  local key, kept = prefix .. 'hold:' .. bucket, prefix .. 'charged:' .. bucket
  local holds = call('HGETALL', key)
  if #holds == 0 then return end
  for i = 1, #holds, 2 do
    if call('HEXISTS', prefix .. 'done:' .. bucket, holds[i]) == 0 then
      charge(holds[i + 1], 1, {})
      call('HSET', kept, holds[i], holds[i + 1])
      charged = charged + 1
    end
  end
  call('EXPIRE', kept, correctable)
  call('DEL', key)
end

for minute = first, last do charge_bucket(string.format('%08.0f', minute)) end
if last ~= swept then call('SET', prefix .. 'swept', string.format('%.0f', last)) end

local volume, answer = call('HGETALL', KEYS[1]), {}
for i = 1, #volume, 2 do
  local quarter = tonumber(volume[i])
  if quarter < oldest then
    call('HDEL', KEYS[1], volume[i])
  else
    local n = #answer
    answer[n + 1] = quarter
    answer[n + 2], answer[n + 3], answer[n + 4] = unpacked(string.sub(volume[i + 1], 2))
  end
end
return {last < now and 1 or 0, charged, answer}
