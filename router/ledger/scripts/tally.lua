-- Totals of a piece of a day or an hour, by some of the dimensions of its cells. KEYS[1]: the hash of cells. ARGV[1] is a
-- msgpack array:
--   views   letters of each: "b" backend, "m" model, "t" team, "k" key, and the zone always
--   wanted  number of a dimension, name, ..: other cells are left out
--   cursor  where to go on, "0" to begin
--   most    cells of a piece
--   columns of totals; former ones may have fewer
--   names   whether to answer them; they are left empty otherwise
-- Answers these views, each a msgpack array of {zone and names, each followed by |, totals .., without zeros at the end};
-- the names of all cells, a msgpack array of five arrays in the order of a cell's dimensions; where to go on, "0" at the end.
local call, pack, unpacked = redis.call, cmsgpack.pack, cmsgpack.unpack
local match, sub, byte = string.match, string.sub, string.byte
local PLACES = {b = 1, m = 3, t = 4, k = 5}
local views, wanted, cursor, most, columns, names_asked = unpack(unpacked(ARGV[1]))
local following, flat = unpack(call('HSCAN', KEYS[1], cursor, 'COUNT', most))

-- As in common.lua: totals of this layout have a header of five bytes, and others micro-USD.
local function totals_of(value)
  local head = byte(value)
  if head == 221 then return {unpacked(sub(value, 6))} end
  local totals = {unpacked(sub(value, head == 220 and 4 or 2))}
  totals[6], totals[7] = totals[6] * 1000, totals[7] * 1000
  return totals
end

local function is_wanted(names)
  for i = 1, #wanted, 2 do
    if names[wanted[i]] ~= wanted[i + 1] then return false end
  end
  return true
end

-- A view has the places of its names, and its rows: by label, and in order.
local made, seen = {}, {{}, {}, {}, {}, {}}
for v = 1, #views do
  local places = {}
  for i = 1, #views[v] do places[i] = PLACES[sub(views[v], i, i)] end
  made[v] = {places, {}, {}}
end

local function add(view, names, totals)
  local places, found, rows = unpack(view)
  local label = names[2] .. '|'
  for i = 1, #places do label = label .. names[places[i]] .. '|' end
  local sums = found[label]
  if not sums then
    sums = {label}
    for n = 2, columns + 1 do sums[n] = 0 end
    found[label] = sums
    rows[#rows + 1] = sums
  end
  for n = 1, #totals do sums[n + 1] = sums[n + 1] + totals[n] end
end

for i = 1, #flat, 2 do
  local names = {match(flat[i], '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')}
  if names_asked then
    for d = 1, 5 do seen[d][names[d]] = true end
  end
  if is_wanted(names) then
    local totals = totals_of(flat[i + 1])
    for v = 1, #made do add(made[v], names, totals) end
  end
end

local answers = {}
for v = 1, #made do
  local rows = made[v][3]
  for r = 1, #rows do
    local row, last = rows[r], columns + 1
    while last > 2 and row[last] == 0 do
      row[last] = nil
      last = last - 1
    end
  end
  answers[v] = pack(rows)
end
local all = {}
for d = 1, 5 do
  all[d] = {}
  for name in pairs(seen[d]) do table.insert(all[d], name) end
end
return {answers, pack(all), following}
