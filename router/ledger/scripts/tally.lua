-- Totals of a day or an hour, or of a piece of it, by some of the dimensions of its cells. KEYS[1]: the hash of cells.
-- KEYS[2], if there is one: where to keep the answers, for as long as the cells; only what is no larger than a piece is
-- kept. ARGV[1] is a msgpack array:
--   views   {letters, source}, ..: "b" backend, "m" model, "t" team, "k" key, and the zone always; made from the cells
--           (source 0) or from an earlier view that has these letters too, which is less work
--   wanted  number of a dimension, name, ..: other cells are left out
--   asked   which of the views to answer
--   cursor  where to go on, "0" to begin
--   most    cells of a piece
--   columns of totals; former ones may have fewer
--   names   whether to answer them; they are left empty otherwise
-- Answers these views, each a msgpack array of {zone and names, each followed by |, totals .., without zeros at the end};
-- the names of all cells, a msgpack array of five arrays in the order of a cell's dimensions; where to go on, "0" at the end.
local call, pack, unpacked = redis.call, cmsgpack.pack, cmsgpack.unpack
local match, sub, byte = string.match, string.sub, string.byte
local PLACES = {b = 1, m = 3, t = 4, k = 5}
local views, wanted, asked, cursor, most, columns, names_asked = unpack(unpacked(ARGV[1]))
local whole = cursor == '0' and call('HLEN', KEYS[1]) <= most
local flat, following = nil, '0'
if whole then
  flat = call('HGETALL', KEYS[1])
else
  following, flat = unpack(call('HSCAN', KEYS[1], cursor, 'COUNT', most))
end
local seen = {{}, {}, {}, {}, {}}

-- As in common.lua: totals of this layout have a header of five bytes, and others micro-USD.
local function totals_of(value)
  local head = byte(value)
  if head == 221 then return unpacked(sub(value, 6)) end
  local totals = {unpacked(sub(value, head == 220 and 4 or 2))}
  totals[6], totals[7] = totals[6] * 1000, totals[7] * 1000
  return unpack(totals)
end

local function is_wanted(names)
  for i = 1, #wanted, 2 do
    if names[wanted[i]] ~= wanted[i + 1] then return false end
  end
  return true
end

local cells = {}
for i = 1, #flat, 2 do
  local names = {match(flat[i], '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')}
  for d = 1, 5 do seen[d][names[d]] = true end
  if is_wanted(names) then cells[#cells + 1] = {names, totals_of(flat[i + 1])} end
end

local function view(rows, letters)
  local places, found, list = {}, {}, {}
  for i = 1, #letters do places[i] = PLACES[sub(letters, i, i)] end
  for r = 1, #rows do
    local row = rows[r]
    local names = row[1]
    local label = names[2] .. '|'
    for i = 1, #places do label = label .. names[places[i]] .. '|' end
    local sums = found[label]
    if sums then
      for n = 2, columns + 1 do sums[n] = sums[n] + (row[n] or 0) end
    else
      sums = {names, label = label}
      for n = 2, columns + 1 do sums[n] = row[n] or 0 end
      found[label] = sums
      list[#list + 1] = sums
    end
  end
  return list
end

local function packed(rows)
  local out = {}
  for r = 1, #rows do
    local s, last = rows[r], columns + 1
    while last > 2 and s[last] == 0 do last = last - 1 end
    out[r] = {s.label, unpack(s, 2, last)}
  end
  return pack(out)
end

local made, answers, kept = {}, {}, {}
for v = 1, #views do
  local letters, source = views[v][1], views[v][2]
  made[v] = view(source == 0 and cells or made[source], letters)
  answers[v] = packed(made[v])
  kept[2 * v - 1], kept[2 * v] = letters, answers[v]
end

local all = {}
for d = 1, 5 do
  all[d] = {}
  for name in pairs(seen[d]) do table.insert(all[d], name) end
end
local all_names = pack(all)

if KEYS[2] and whole and #flat > 0 then
  call('HSET', KEYS[2], 'names', all_names, unpack(kept))
  local left = call('TTL', KEYS[1])
  if left > 0 then call('EXPIRE', KEYS[2], left) end
end
local chosen = {}
for i = 1, #asked do chosen[i] = answers[asked[i]] end
return {chosen, names_asked and all_names or pack({{}, {}, {}, {}, {}}), following}
