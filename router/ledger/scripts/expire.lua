-- Charges the holds of past leases as held: {.., lease bucket of now, oldest quarter to keep, most records to keep}.
-- Looks at most one day further than the last sweep did, and again at the hour before it, because clocks differ.
-- Answers {1 when there is more to sweep, holds charged, the whole volume, flat}.
local now, oldest, most = input[9], input[10], input[11]
local swept = tonumber(call('GET', prefix .. 'swept') or now - 1440)
local first = math.min(swept, now) - 60
local last = math.min(now, first + 1500)
local charged = 0

local function charge_bucket(bucket)
  local key, kept = prefix .. 'hold:' .. bucket, prefix .. 'charged:' .. bucket
  local holds, records = call('HGETALL', key), {}
  if #holds == 0 then return end
  for i = 1, #holds, 2 do
    local hold = read_hold(holds[i + 1])
    settle_counters(hold, 1, 1)
    charge(hold, 1, {})
    call('HSET', kept, holds[i], holds[i + 1])
    records[#records + 1] = record_of('held', holds[i], hold)
  end
  charged = charged + #records
  write_records(array_of(records), #records)
  call('EXPIRE', kept, correctable)
  call('DEL', key)
end

for minute = first, last do charge_bucket(string.format('%08.0f', minute)) end
if last ~= swept then call('SET', prefix .. 'swept', string.format('%.0f', last)) end

-- Entries of the stream hold several records each, so what is kept is known by counting what goes.
local function trim()
  local key = prefix .. 'requests'
  local kept = tonumber(call('GET', key .. ':kept') or 0)
  while kept > most do
    local entries = call('XRANGE', key, '-', '+', 'COUNT', 100)
    if #entries == 0 then break end
    local ids = {}
    for i = 1, #entries do
      if kept <= most then break end
      kept = kept - tonumber(entries[i][2][2])
      ids[i] = entries[i][1]
    end
    call('XDEL', key, unpack(ids))
  end
  call('SET', key .. ':kept', kept)
end
trim()

local volume, answer = call('HGETALL', KEYS[1]), {}
for i = 1, #volume, 2 do
  local quarter = tonumber(volume[i])
  if quarter < oldest then
    call('HDEL', KEYS[1], volume[i])
  else
    local n = #answer
    answer[n + 1] = quarter
    answer[n + 2], answer[n + 3], answer[n + 4] = unpacked(sub(volume[i + 1], 2))
  end
end
return {last < now and 1 or 0, charged, answer}
