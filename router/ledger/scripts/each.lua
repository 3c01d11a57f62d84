-- One batch, operation by operation: {.., operations}, an operation being {kind, id, slot, uses, record}.
--   settle   a hold that is gone was settled before, unless it was charged as held: then the difference is corrected
--   release  the same, counting nothing
--   record   counts always, with or without a hold
--   sum      counts several requests that have no holds any more; `id` is empty
--   note     only writes a record
-- `uses` is place, field, used, ..: what it adds to counters; empty when it comes from a journal, which does not know them:
-- then it is added to the counters of its day and month that are there. `record` is empty when there is none to write.
-- Answers {1, new figures of the volume}, or {0} or {-1} out of turn, see `out_of_turn`.
local wrong = out_of_turn()
if wrong then return wrong end
local counted, records, journaled = {}, {}, {}

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

-- Sums what the journal says of each cell, so that counters are looked at once for each.
local function note_journaled(slot)
  local day, cells, changes = slot[1], slot[4], slot[5]
  local sums = journaled[day] or {}
  journaled[day] = sums
  for i = 1, #cells do
    local sum, c = sums[cells[i]] or {0, 0, 0}, changes[i]
    sums[cells[i]] = {sum[1] + c[6], sum[2] + c[3] + c[5], sum[3] + c[1]}
  end
end

local AMOUNT = {usd = 1, tokens = 2, requests = 3}

local function use_journaled(place, sums)
  local fields = call('HKEYS', prefix .. place)
  for i = 1, #fields do
    local scope, side, model, measure = match(fields[i], '^([^|]*)|([^|]*)|([^|]*)|(.*)$')
    local used = 0
    for cell, sum in pairs(sums) do
      if belongs(cell, scope, side, model) then used = used + sum[AMOUNT[measure]] end
    end
    if used ~= 0 then adjust(place, fields[i], used, 0, 0) end
  end
end

local function add(operation)
  local slot, uses, record = operation[3], operation[4], operation[5]
  for k = 1, #uses, 3 do adjust(uses[k], uses[k + 1], uses[k + 2], 0, 0) end
  if operation[1] ~= 'settle' and #uses == 0 then note_journaled(slot) end
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
for day, sums in pairs(journaled) do
  use_journaled('limit:day:' .. day, sums)
  use_journaled('limit:month:' .. sub(day, 1, 7), sums)
end
write_records(array_of(records), #records)
applied()
return {1, counted}
