-- Makes every counter say what totals and holds say: after books were brought back, or to mend them: {..}.
-- `used` of days and months comes from the totals; what is held comes from the holds.
-- Answers place, field, .., of the counters that were wrong.
local held, wrong = {}, {}

local function add(place, field, amount, risk)
  local key = place .. '\n' .. field
  local sums = held[key] or {0, 0}
  held[key] = {sums[1] + amount, sums[2] + risk}
end

local function add_hold(hold)
  local amounts = {hold.cost, hold.input + hold.output, 1, 1}
  for i = 1, #hold.bill do
    local place, field, measure, side = unpack(hold.bill[i])
    if side == 0 or hold.sides == BOTH or side == hold.sides then
      add(place, field, amounts[measure], hold.risk[measure])
    end
  end
end

local buckets = call('KEYS', prefix .. 'hold:*')
for b = 1, #buckets do
  local values = call('HVALS', buckets[b])
  for i = 1, #values do add_hold(read_hold(values[i])) end
end

local function check(place, field, value)
  local used, was_held, was_risk = unpacked(sub(value, 2))
  local sums = held[place .. '\n' .. field] or {0, 0}
  local counts = match(place, '^limit:day:') or match(place, '^limit:month:')
  local right = counts and counted_before(place, field) or used
  if right ~= used or sums[1] ~= was_held or sums[2] ~= was_risk then
    call('HSET', prefix .. place, field, counter(right, sums[1], sums[2]))
    wrong[#wrong + 1] = place
    wrong[#wrong + 1] = field
  end
  held[place .. '\n' .. field] = nil
end

local keys = call('KEYS', prefix .. 'limit:*')
for k = 1, #keys do
  local place = sub(keys[k], #prefix + 1)
  local flat = call('HGETALL', keys[k])
  for i = 1, #flat, 2 do check(place, flat[i], flat[i + 1]) end
end
for key, sums in pairs(held) do
  local place, field = match(key, '^(.*)\n(.*)$')
  store_counters(place, {field, counter(counted_before(place, field), sums[1], sums[2])}, true)
  wrong[#wrong + 1] = place
  wrong[#wrong + 1] = field
end
return wrong
