-- One batch, operation by operation: {.., operations}, an operation being {kind, id, slot, uses, record}.
--   settle   a hold that is gone was settled before, unless it was charged as held: then the difference is corrected
--   release  the same, counting nothing
--   record   counts always, with or without a hold
--   sum      counts several requests that have no holds any more; `id` is empty
--   note     only writes a record
-- `uses` is place, field, used, ..: what it adds to counters. `record` is empty when there is none to write.
-- Answers {1, new figures of the volume}, or {0} or {-1} out of turn, see `out_of_turn`.
local wrong = out_of_turn()
if wrong then return wrong end
local counted, records = {}, {}

-- Removes the hold, or takes back its charge; true when there was one of them.
local function lift(bucket, id)
  local key = prefix .. 'hold:' .. bucket
  local value = call('HGET', key, id)
  if value then
    call('HDEL', key, id)
    settle_counters(read_hold(value), 1, 0)
    return true
  end
  key = prefix .. 'charged:' .. bucket
  value = call('HGET', key, id)
  if not value then return false end
  call('HDEL', key, id)
  local hold = read_hold(value)
  settle_counters(hold, 0, -1)
  charge(hold, -1, counted)
  records[#records + 1] = record_of('lifted', id, hold)
  return true
end

local function add(operation)
  local slot, uses, record = operation[3], operation[4], operation[5]
  for k = 1, #uses, 3 do adjust(uses[k], uses[k + 1], uses[k + 2], 0, 0) end
  forget_sums(slot[1])
  count(slot, counted)
  if record ~= '' then records[#records + 1] = record end
end

for i = 1, #input[9] do
  local operation = input[9][i]
  local kind, id = operation[1], operation[2]
  local lifted = id ~= '' and lift(sub(id, 1, 8), id)
  if kind == 'record' or kind == 'sum' or (kind == 'settle' and lifted) then add(operation) end
  if kind == 'note' then records[#records + 1] = operation[5] end
end
write_records(array_of(records), #records)
applied()
return {1, counted}
