-- One batch whose holds are expected to be there: {.., gone, slots, keys, changes, sets, plain,
-- limited, groups, single, blob, records}.
--   gone     bucket, {ids}, bucket, {ids}, ..: holds that are settled or released, each id once
--   slots    what they add, already summed by place and cell
--   keys     counters by their hash: {key, {fields}, {amounts}, {soft limits}, {spare local}}; numbered as they come
--   changes  counter, used, held, risk, counter, ..: what the settled and released holds do to counters
--   sets     {raw, counter, measure, side, counter, ..}: what the new holds are held against
--   plain    bucket, {id, hold, id, hold, ..}, ..: new holds without limits
--   limited  the same, of those with limits
--   groups   {counters, sides, amounts, risks}: what the limited ones ask for together, by measure
--   single   msgpack, read only when they do not all fit: {bucket's place in `limited`, hold's place there, counters, sides,
--            first is local, amounts, risks, cost when local, its risk} of each; the rest is the same on every side
--   blob     the records, and their number
-- Answers {1, new figures of the volume, verdicts, soft limits that are reached}:
--   verdicts  hold, sides, counter, used, held, asked, ..: holds that were refused (sides 0) or admitted to one side only
--   reached   counter, used, held, ..
-- Answers nil, and has changed nothing, when a hold is missing: then the caller sends the operations one by one
-- (each.lua). Answers {0} or {-1} out of turn, see `out_of_turn`.
local wrong = out_of_turn(0)
if wrong then return wrong end
local gone, slots, keys, changes, sets = input[9], input[10], input[11], input[12], input[13]
local plain, limited, groups, single, blob, records = input[14], input[15], input[16], input[17], input[18], input[19]
for i = 1, #gone, 2 do
  local held = call('HMGET', prefix .. 'hold:' .. gone[i], unpack(gone[i + 1]))
  for j = 1, #held do
    if not held[j] then return false end
  end
end

local used, held, risk, amount, soft, spare = {}, {}, {}, {}, {}, {}
local fresh, n = {}, 0
for p = 1, #keys do
  local key, fields = keys[p][1], keys[p][2]
  local values = call('HMGET', prefix .. key, unpack(fields))
  for i = 1, #fields do
    n = n + 1
    amount[n], soft[n], spare[n] = keys[p][3][i], keys[p][4][i], keys[p][5][i]
    if values[i] then
      used[n], held[n], risk[n] = counter_of(fields[i], values[i])
    else
      used[n], held[n], risk[n], fresh[p] = counted_before(key, fields[i]), 0, 0, true
    end
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

-- The first counter without room for these amounts on these sides, what was asked of it, and whether all such
-- counters spare the local side; nil when there is room in all. What asks for nothing is never refused.
local function blocker(counters, amounts, sides)
  local blocked, asked, spared = nil, 0, true
  for k = 2, #counters, 3 do
    local c, wanted, side = counters[k], amounts[counters[k + 1]], counters[k + 2]
    if wanted > 0 and (side == 0 or sides == BOTH or side == sides) and used[c] + held[c] + wanted > amount[c] then
      if not blocked then blocked, asked = c, wanted end
      spared = spared and spare[c]
    end
  end
  return blocked, asked, spared
end

local function take(counters, amounts, risks, sides)
  for k = 2, #counters, 3 do
    local c, measure, side = counters[k], counters[k + 1], counters[k + 2]
    if side == 0 or sides == BOTH or side == sides then
      held[c], risk[c] = held[c] + amounts[measure], risk[c] + risks[measure]
    end
  end
end

-- Whether there is room for all new holds together, which nearly always is so.
local function all_fit()
  local wanted = {}
  for g = 1, #groups do
    local group = groups[g]
    local counters, sides, amounts = sets[group[1]], group[2], group[3]
    for k = 2, #counters, 3 do
      local c, side = counters[k], counters[k + 2]
      if side == 0 or sides == BOTH or side == sides then wanted[c] = (wanted[c] or 0) + amounts[counters[k + 1]] end
    end
  end
  for c, sum in pairs(wanted) do
    if sum > 0 and used[c] + held[c] + sum > amount[c] then return false end
  end
  return true
end

-- One after the other: each is admitted for all its sides, for the local one alone, or not at all.
local function admit_singly(verdicts)
  local admitted, holds = {}, cmsgpack.unpack(single)
  for i = 1, #holds do
    local place, at, b, sides, first_is_local, amounts, risks, local_cost, local_risk = unpack(holds[i])
    local counters = sets[b]
    local blocked, asked, spared = blocker(counters, amounts, sides)
    if blocked then
      local v = #verdicts
      verdicts[v + 1], verdicts[v + 2], verdicts[v + 3] = i, 0, blocked
      verdicts[v + 4], verdicts[v + 5], verdicts[v + 6] = used[blocked], held[blocked], asked
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
  for g = 1, #groups do
    local counters, sides, amounts, risks = unpack(groups[g])
    take(sets[counters], amounts, risks, sides)
  end
  for i = 1, #limited, 2 do call('HSET', prefix .. 'hold:' .. limited[i], unpack(limited[i + 1])) end
else
  admit_singly(verdicts)
end

local reached = {}
n = 0
for p = 1, #keys do
  local fields, new = keys[p][2], {}
  for i = 1, #fields do
    n = n + 1
    new[2 * i - 1], new[2 * i] = fields[i], counter(used[n], held[n], risk[n])
    if used[n] + held[n] >= soft[n] then
      local r = #reached
      reached[r + 1], reached[r + 2], reached[r + 3] = n, used[n], held[n]
    end
  end
  store_counters(keys[p][1], new, fresh[p])
end
write_records(blob, records)
applied()
return {1, counted, verdicts, reached}
