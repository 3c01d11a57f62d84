-- One batch whose holds are expected to be there: {.., gone, slots, keys, changes, asked, plain, limited, single, blob,
-- records, shares, term, lease}. To read it is a good part of what it takes: nothing is in it that is not looked at.
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
--   shares   counter, taken, held, risk, back, wish, ..: of slices that the sender was lent, see slices below: what it took
--            of them and what of that is held, what it gives back, and how large its slice should be
--   term     milliseconds that a slice lasts
--   lease    milliseconds that a hold lasts which nobody settles
-- Answers {1, new figures of the volume, verdicts, soft limits that are reached, slices, 1 where slices are charged}:
--   verdicts  hold, sides, counter, used, held, asked, ..: holds that were refused (sides 0) or admitted to one side only,
--             or that only slices of others are in the way of (sides -1): to be asked for again
--   reached   counter, used, held, ..
--   slices    for each share: what the slice is now, what it may be at most, and 1 when the soft limit is far
-- Answers nil, and has changed nothing, when a hold is missing: then the caller sends the operations one by one
-- (each.lua). Answers {0} or {-1} out of turn, see `out_of_turn`.
local wrong = out_of_turn(0)
if wrong then return wrong end
local gone, slots, keys, changes, asked = input[9], input[10], input[11], input[12], input[13]
local plain, limited, single, blob, records = input[14], input[15], input[16], input[17], input[18]
local shares, term, lease = input[19], input[20], input[21]
for i = 1, #gone, 2 do
  local held = call('HMGET', prefix .. 'hold:' .. gone[i], unpack(gone[i + 1]))
  for j = 1, #held do
    if not held[j] then return false end
  end
end

local used, held, risk, amount, soft = {}, {}, {}, {}, {}
local fresh, n = {}, 0
for p = 1, #keys do
  local key, fields, amounts, warn_at = unpack(keys[p])
  local values = call('HMGET', prefix .. key, unpack(fields))
  local missing, places = {}, {}
  for i = 1, #fields do
    n = n + 1
    amount[n], soft[n] = amounts[i], warn_at[i]
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

-- Slices of a counter are kept beside it, in a hash of their own: a msgpack array of milliseconds up to which none is lent,
-- for somebody waits for what others have, and of writer, its term, amount, milliseconds at which it ends, ..
-- One that ended without being given back is charged: it counts as used, for its writer may have admitted requests out of
-- it. That is so until the period is over, or all that was admitted in that term is here. Of what runs at once nothing
-- is charged for longer than a hold would last.
-- By counter: what others have and the sender has; what is charged, which is in `used` as well; and who has how much.
local lent, charged, slices, time, with_charges = {}, {}, {}, 0, 0
local all_here = {}
local function is_all_here(writer, of_term)
  all_here[writer] = all_here[writer] or tonumber(call('HGET', prefix .. 'sliced', writer) or 0)
  return of_term < all_here[writer]
end
local function read_slices()
  local now = call('TIME')
  time = now[1] * 1000 + math.floor(now[2] / 1000)
  local first = 1
  for p = 1, #keys do
    local key, fields = keys[p][1], keys[p][2]
    local values = call('HMGET', prefix .. 'slices' .. sub(key, 6), unpack(fields))
    local oldest = key == 'limit:running' and time - lease or 0
    for i = 1, #fields do
      local c, kept = first + i - 1, {0}
      local found = {kept = kept, others = 0, mine = 0, number = 0, was = values[i]}
      charged[c] = 0
      if values[i] then
        local old = unpacked(values[i])
        kept[1] = old[1]
        for j = 2, #old, 4 do
          local writer, of_term, size, ends = old[j], old[j + 1], old[j + 2], old[j + 3]
          if writer == input[5] then
            if of_term == input[6] then found.mine, found.ends = size, ends end
          elseif ends > oldest and not is_all_here(writer, of_term) then
            local n = #kept
            kept[n + 1], kept[n + 2], kept[n + 3], kept[n + 4] = writer, of_term, size, ends
            if ends > time then
              found.others, found.number = found.others + size, found.number + 1
            else
              charged[c], with_charges = charged[c] + size, 1
            end
          end
        end
      end
      used[c] = used[c] + charged[c]
      slices[c], lent[c] = found, found.others + found.mine
    end
    first = first + #fields
  end
end
local with_slices = #asked > 0 or #shares > 0
if with_slices then read_slices() end
for i = 1, #shares, 6 do
  local c = shares[i]
  local s = slices[c]
  held[c], risk[c] = held[c] + shares[i + 2], risk[c] + shares[i + 3]
  s.mine = math.max(0, s.mine - shares[i + 1] - shares[i + 4])
  lent[c] = s.others + s.mine
end

for i = 1, #changes, 4 do
  local c = changes[i]
  used[c], held[c], risk[c] = used[c] + changes[i + 1], math.max(0, held[c] + changes[i + 2]), risk[c] + changes[i + 3]
end
for i = 1, #plain, 2 do call('HSET', prefix .. 'hold:' .. plain[i], unpack(plain[i + 1])) end

-- Whether there is room for all new holds together, which nearly always is so.
local function all_fit()
  for i = 1, #asked, 3 do
    local c, sum = asked[i], asked[i + 1]
    if sum > 0 and used[c] + held[c] + lent[c] + sum > amount[c] then return false end
  end
  return true
end

local NOTHING = {}
local CALLED_BACK, SLICES_TTL = 500, 7200 -- milliseconds, seconds at least

-- One after the other: each is admitted for all its sides, for the local one alone, or not at all.
local function admit_singly(verdicts)
  local sets, spare, holds = unpack(unpacked(single))
  local admitted = {}

  -- Who waits for slices of others keeps them from being lent again.
  local function call_back(counters, amounts)
    for k = 1, #counters, 3 do
      local c = counters[k]
      if lent[c] > 0 and used[c] + held[c] + lent[c] + amounts[counters[k + 1]] > amount[c] then
        slices[c].kept[1] = time + CALLED_BACK
      end
    end
  end

  -- The first counter without room for these amounts on these sides, what was asked of it, and whether all such
  -- counters spare the local side; nil when there is room in all. What asks for nothing is never refused. `beside` is
  -- what else takes room: what is lent, or nothing.
  local function blocker(counters, amounts, sides, beside)
    local blocked, wanting, spared = nil, 0, true
    for k = 1, #counters, 3 do
      local c, wanted, side = counters[k], amounts[counters[k + 1]], counters[k + 2]
      if wanted > 0 and (side == 0 or sides == BOTH or side == sides)
        and used[c] + held[c] + (beside[c] or 0) + wanted > amount[c]
      then
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
    if blocker(counters, amounts, sides, lent) then
      local blocked, wanting, spared = blocker(counters, amounts, sides, NOTHING)
      local v = #verdicts
      verdicts[v + 1], verdicts[v + 2], verdicts[v + 3] = i, 0, blocked or 1
      verdicts[v + 4], verdicts[v + 5], verdicts[v + 6] = used[blocked or 1], held[blocked or 1], wanting
      local waits = not blocked
      if blocked then
        amounts[MONEY], risks[MONEY] = local_cost, local_risk
        if sides == BOTH and (first_is_local or spared) and not blocker(counters, amounts, LOCAL, NOTHING) then
          waits = blocker(counters, amounts, LOCAL, lent)
          sides, verdicts[v + 2] = LOCAL, LOCAL
        else
          sides = 0
        end
      end
      if waits then
        sides, verdicts[v + 2] = 0, -1
        call_back(counters, amounts)
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

-- Lends again: at most half of what is left to the soft limit, divided by those who have some of it.
local lending = {}
for i = 1, #shares, 6 do
  local c, wish = shares[i], shares[i + 5]
  local s, l = slices[c], #lending
  local most = 0
  local free = s.kept[1] <= time
  if free then
    most = math.max(0, math.floor((soft[c] - 1 - used[c] - held[c] - s.others) / (2 * (s.number + 1))))
  end
  s.mine = math.max(s.mine, math.min(wish, most))
  lending[l + 1], lending[l + 2] = s.mine, most
  lending[l + 3] = free and used[c] + held[c] < soft[c] and 1 or 0
  s.shared = true
end

local function store_slices()
  local first = 1
  for p = 1, #keys do
    local key, fields = keys[p][1], keys[p][2]
    local place, new, old = prefix .. 'slices' .. sub(key, 6), {}, {}
    for i = 1, #fields do
      local s = slices[first + i - 1]
      local kept = s.kept
      if s.mine > 0 then
        local n = #kept
        kept[n + 1], kept[n + 2], kept[n + 3], kept[n + 4] = input[5], input[6], s.mine, s.shared and time + term or s.ends
      end
      if s.shared or kept[1] > time then
        if #kept > 1 or kept[1] > time then
          new[#new + 1] = fields[i]
          new[#new + 1] = pack(kept)
        elseif s.was then
          old[#old + 1] = fields[i]
        end
      end
    end
    if #new > 0 then
      call('HSET', place, unpack(new))
      call('EXPIRE', place, TTL[match(key, '^limit:(%a+):')] or math.max(SLICES_TTL, math.ceil(lease / 500)))
    end
    if #old > 0 then call('HDEL', place, unpack(old)) end
    first = first + #fields
  end
end
if with_slices then store_slices() end

local reached = {}
n = 0
for p = 1, #keys do
  local key, fields, _, soft = unpack(keys[p])
  local new = {}
  for i = 1, #fields do
    n = n + 1
    new[2 * i - 1], new[2 * i] = fields[i], counter(used[n] - (charged[n] or 0), held[n], risk[n])
    if used[n] + held[n] >= soft[i] then
      local r = #reached
      reached[r + 1], reached[r + 2], reached[r + 3] = n, used[n], held[n]
    end
  end
  store_counters(key, new, fresh[p])
end
write_records(blob, records)
applied()
return {1, counted, verdicts, reached, lending, with_charges}
