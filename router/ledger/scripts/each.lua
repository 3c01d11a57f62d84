-- One batch, operation by operation: {.., operations}, an operation being {kind, id, slot, uses, record}.
--   settle   a hold that is gone was settled before, unless it was charged as held: then the difference is corrected
--   release  the same, counting nothing
--   record   counts always, with or without a hold
--   sum      counts several requests that have no holds any more; `id` is empty
--   note     only writes a record
-- `uses` is key, field, used, ..: what it adds to counters; empty when it comes from a journal, which does not know them:
-- then it is added to the counters of its day and month that are there. `record` is empty when there is none to write.
-- A batch may come in parts: {.., operations, how many were applied before, how many then, or -1 with the last part}.
-- Answers {1, new figures of the volume}, or {0} or {-1} out of turn, see `out_of_turn`.
local wrong = out_of_turn(input[10])
if wrong then return wrong end
local counted, records = {}, {}

-- Adds what a journal says to the counters of its day and month that are there; the others begin with it, once they are
-- needed. Each cell can be in few counters: their names are made rather than looked for.
local function use_journaled(day, cells, changes)
  local fields, amounts = {}, {}
  for i = 1, #cells do
    local zone, model, team, key = match(cells[i], '^[^|]*|([^|]*)|([^|]*)|([^|]*)|(.*)$')
    local c, side = changes[i], owned[zone] and 'local' or 'cloud'
    local used = {used_of(c)}
    for _, scope in ipairs({'global', 'team:' .. team, 'key:' .. key}) do
      for _, rest in ipairs({'|all||', '|all|' .. model .. '|', '|' .. side .. '||', '|' .. side .. '|' .. model .. '|'}) do
        for m = 1, #USED do
          if used[m] ~= 0 then
            local n = #fields + 1
            fields[n], amounts[n] = scope .. rest .. USED[m], used[m]
          end
        end
      end
    end
  end
  if #fields == 0 then return end
  for _, key in ipairs({'limit:day:' .. day, 'limit:month:' .. sub(day, 1, 7)}) do
    local old, new = call('HMGET', prefix .. key, unpack(fields)), {}
    for i = 1, #fields do
      if old[i] then
        local u, h, r = counter_of(fields[i], old[i])
        new[#new + 1] = fields[i]
        new[#new + 1] = counter(u + amounts[i], h, r)
      end
    end
    if #new > 0 then store_counters(key, new, false) end
  end
end

local function add(operation)
  local slot, uses, record = operation[3], operation[4], operation[5]
  for k = 1, #uses, 3 do adjust(uses[k], uses[k + 1], uses[k + 2], 0, 0) end
  if operation[1] ~= 'settle' and #uses == 0 then use_journaled(slot[1], slot[4], slot[5]) end
  count(slot, counted)
  if record ~= '' then records[#records + 1] = record end
end

for i = 1, #input[9] do
  local operation = input[9][i]
  local kind, id = operation[1], operation[2]
  local lifted = id ~= '' and lift(sub(id, 1, 8), id, counted, records)
  if kind == 'record' or kind == 'sum' or (kind == 'settle' and lifted) then add(operation) end
  if kind == 'note' then records[#records + 1] = operation[5] end
end
write_records(array_of(records), #records)
if input[11] >= 0 then note_sent(input[5], input[6], input[7], input[11]) else applied() end
return {1, counted}
