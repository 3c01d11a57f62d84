-- One batch whose holds are expected to be there: {.., gone, slots, keys, changes, asked, plain, limited, single, blob,
-- records}. To read it is a good part of what it takes: nothing is in it that is not looked at.
--   gone     bucket, {ids}, bucket, {ids}, ..: holds that are settled or released, each id once
--   slots    what they add, already summed by place and cell
--   keys     counters by their hash: {key, {fields}, {amounts}, {soft limits}}; numbered as they come
--   changes  counter, used, held, risk, counter, ..: what the settled and released holds do to counters
--   asked    counter, amount, risk, counter, ..: what the new holds ask for together
--   plain    bucket, {id, hold, id, hold, ..}, ..: new holds without limits
--   limited  the same, of those with limits
--   single   msgpack, read only when they do not all fit: {sets, spare, holds}
--     sets   {counter, measure, side, counter, ..}: what holds are held against
--     spare  of each counter, whether it spares the local side
--     holds  {bucket's place in `limited`, hold's place there, its set, sides, first is local, amounts, risks, cost when
--            local, its risk}, amounts and risks by measure; the rest is the same on every side
--   blob     the records, and their number
-- Answers {1, new figures of the volume, verdicts, soft limits that are reached}:
--   verdicts  hold, sides, counter, used, held, asked, ..: holds that were refused (sides 0) or admitted to one side only
--   reached   counter, used, held, ..
-- Answers nil, and has changed nothing, when a hold is missing: then the caller sends the operations one by one
-- (each.lua). Answers {0} or {-1} out of turn, see `out_of_turn`.
local wrong = out_of_turn(0)
if wrong then return wrong end
local gone, slots, keys, changes, asked = input[9], input[10], input[11], input[12], input[13]
local plain, limited, single, blob, records = input[14], input[15], input[16], input[17], input[18]
for i = 1, #gone, 2 do
  local held = call('HMGET', prefix .. 'hold:' .. gone[i], unpack(gone[i + 1]))
  for j = 1, #held do
    if not held[j] then return false end
  end
end

local used, held, risk, amount = {}, {}, {}, {}
local fresh, n = {}, 0
for p = 1, #keys do
  local key, fields, amounts = unpack(keys[p])
  local values = call('HMGET', prefix .. key, unpack(fields))
  local missing, places = {}, {}
  for i = 1, #fields do
    n = n + 1
    amount[n] = amounts[i]
    if values[i] then
      used[n], held[n], risk[n] = counter_of(fields[i], values[i])
    else
      held[n], risk[n] = 0, 0
      missing[#missing + 1], places[#places + 1] = fields[i], n
    end
  end
  fresh[p] = #missing > 0
  if fresh[p] then
    local before = counted_before(key, missing)
    for i = 1, #places do used[places[i]] = before[i] end
  end
end

for i = 1, #gone, 2 do call('HDEL', prefix .. 'hold:' .. gone[i], unpack(gone[i + 1])) end
local counted = {}
for i = 1, #slots do count(slots[i], counted) end
for i = 1, #changes, 4 do
  local c = changes[i]
  used[c], held[c], risk[c] = used[c] + changes[i + 1], math.max(0, held[c] + changes[i + 2]), risk[c] + changes[i + 3]
end
for i = 1, #plain, 2 do call('HSET', prefix .. 'hold:' .. plain[i], unpack(plain[i + 1])) end

-- Whether there is room for all new holds together, which nearly always is so.
local function all_fit()
  for i = 1, #asked, 3 do
    local c, sum = asked[i], asked[i + 1]
    if sum > 0 and used[c] + held[c] + sum > amount[c] then return false end
  end
  return true
end

-- One after the other: each is admitted for all its sides, for the local one alone, or not at all.
local function admit_singly(verdicts)
  local sets, spare, holds = unpack(unpacked(single))
  local admitted = {}

  -- The first counter without room for these amounts on these sides, what was asked of it, and whether all such
  -- counters spare the local side; nil when there is room in all. What asks for nothing is never refused.
  local function blocker(counters, amounts, sides)
    local blocked, wanting, spared = nil, 0, true
    for k = 1, #counters, 3 do
      local c, wanted, side = counters[k], amounts[counters[k + 1]], counters[k + 2]
      if wanted > 0 and (side == 0 or sides == BOTH or side == sides) and used[c] + held[c] + wanted > amount[c] then
        if not blocked then blocked, wanting = c, wanted end
        spared = spared and spare[c]
      end
    end
    return blocked, wanting, spared
  end

  local function take(counters, amounts, risks, sides)
    for k = 1, #counters, 3 do
      local c, measure, side = counters[k], counters[k + 1], counters[k + 2]
      if side == 0 or sides == BOTH or side == sides then
        held[c], risk[c] = held[c] + amounts[measure], risk[c] + risks[measure]
      end
    end
  end

  for i = 1, #holds do
    local place, at, set, sides, first_is_local, amounts, risks, local_cost, local_risk = unpack(holds[i])
    local counters = sets[set]
    local blocked, wanting, spared = blocker(counters, amounts, sides)
    if blocked then
      local v = #verdicts
      verdicts[v + 1], verdicts[v + 2], verdicts[v + 3] = i, 0, blocked
      verdicts[v + 4], verdicts[v + 5], verdicts[v + 6] = used[blocked], held[blocked], wanting
      amounts[MONEY], risks[MONEY] = local_cost, local_risk
      if sides == BOTH and (first_is_local or spared) and not blocker(counters, amounts, LOCAL) then
        sides, verdicts[v + 2] = LOCAL, LOCAL
      else
        sides = 0
      end
    end
    if sides > 0 then
      take(counters, amounts, risks, sides)
      local list = admitted[place] or {}
      admitted[place] = list
      list[#list + 1] = limited[2 * place][2 * at - 1]
      list[#list + 1] = sides .. sub(limited[2 * place][2 * at], 2)
    end
  end
  for place, list in pairs(admitted) do call('HSET', prefix .. 'hold:' .. limited[2 * place - 1], unpack(list)) end
end

local verdicts = {}
if all_fit() then
  for i = 1, #asked, 3 do
    local c = asked[i]
    held[c], risk[c] = held[c] + asked[i + 1], risk[c] + asked[i + 2]
  end
  for i = 1, #limited, 2 do call('HSET', prefix .. 'hold:' .. limited[i], unpack(limited[i + 1])) end
else
  admit_singly(verdicts)
end

local reached = {}
n = 0
for p = 1, #keys do
  local key, fields, _, soft = unpack(keys[p])
  local new = {}
  for i = 1, #fields do
    n = n + 1
    new[2 * i - 1], new[2 * i] = fields[i], counter(used[n], held[n], risk[n])
    if used[n] + held[n] >= soft[i] then
      local r = #reached
      reached[r + 1], reached[r + 2], reached[r + 3] = n, used[n], held[n]
    end
  end
  store_counters(key, new, fresh[p])
end
write_records(blob, records)
applied()
return {1, counted, verdicts, reached}
