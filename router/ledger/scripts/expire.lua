-- Charges the holds of past leases as held: {.., lease bucket of now, oldest quarter to keep, most records to keep, most
-- holds to charge, most entries of the stream to look at}.
-- A call that has charged any does nothing else: the next one does.
-- Looks at most six hours further than the last sweep did, and again at the hour before it, because clocks differ.
-- Answers {1 when there is more to sweep, holds charged, the whole volume, flat, when there is not}.
local now, oldest, most, left, entries_left = input[9], input[10], input[11], input[12], input[13]
local swept = tonumber(call('GET', prefix .. 'swept') or now - 1440)
local first = math.min(swept, now) - 60
local last = math.min(now, first + 420)
local charged = 0

-- What was charged is gone, so a bucket that was left in the middle is gone on with by beginning again.
local function charge_bucket(bucket)
  local key, kept = prefix .. 'hold:' .. bucket, prefix .. 'charged:' .. bucket
  local cursor, records = '0', {}
  repeat
    local found = call('HSCAN', key, cursor, 'COUNT', left)
    cursor = found[1]
    for i = 1, #found[2], 2 do
      local id, value = found[2][i], found[2][i + 1]
      if left > 0 and call('HDEL', key, id) == 1 then
        local hold = read_hold(value)
        settle_counters(hold, 1, 1)
        charge(hold, 1, {})
        call('HSET', kept, id, value)
        records[#records + 1] = record_of('held', id, hold)
        left = left - 1
      end
    end
  until cursor == '0' or left == 0
  charged = charged + #records
  write_records(array_of(records), #records)
  if #records > 0 then call('EXPIRE', kept, correctable) end
end

for minute = first, last do
  local bucket = string.format('%08.0f', minute)
  if left > 0 and call('EXISTS', prefix .. 'hold:' .. bucket) == 1 then charge_bucket(bucket) end
end
if left > 0 and last ~= swept then call('SET', prefix .. 'swept', string.format('%.0f', last)) end
if charged > 0 or last < now then return {1, charged, {}} end

-- Entries of the stream hold several records each, so what is kept is known by counting what goes.
local function trim()
  local key = prefix .. 'requests'
  local kept = tonumber(call('GET', key .. ':kept') or 0)
  if kept <= most then return end
  local entries, ids = call('XRANGE', key, '-', '+', 'COUNT', entries_left), {}
  for i = 1, #entries do
    if kept <= most then break end
    kept = kept - tonumber(entries[i][2][2])
    ids[i] = entries[i][1]
  end
  if #ids > 0 then call('XDEL', key, unpack(ids)) end
  call('SET', key .. ':kept', kept)
  return kept > most and #entries > 0
end
if trim() then return {1, 0, {}} end

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
return {0, 0, answer}
