-- Totals of a day or an hour, or of a piece of it, by some of the dimensions of its cells. KEYS[1]: the hash of cells.
-- ARGV[1] is a msgpack array:
--   letters of these: "b" backend, "m" model, "t" team, "k" key, and the zone always
--   wanted  number of a dimension, name, ..: other cells are left out
--   cursor  where to go on, "0" to begin
--   cells   of a piece
--   most    rows: a piece that has more of them ends before
--   names   whether to answer them; they are left empty otherwise
-- Answers a msgpack array of {zone and names, each followed by |, totals .., without zeros at the end}; the names of all
-- cells, a msgpack array of five arrays in the order of a cell's dimensions; where to go on, "0" at the end.
local pack, unpacked = cmsgpack.pack, cmsgpack.unpack
local match, gsub, sub, byte = string.match, string.gsub, string.sub, string.byte
local letters, wanted, cursor, cells, most, names_asked = unpack(unpacked(ARGV[1]))
local AT_ONCE = 100
local CELL = '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$'
local label_form = '%2|' .. gsub(letters, '.', {b = '%1|', m = '%3|', t = '%4|', k = '%5|'})

-- As in common.lua: totals of this layout have a header of five bytes, and others micro-USD.
local function row_of(label, value)
  local head = byte(value)
  if head == 221 then return {label, unpacked(sub(value, 6))} end
  local row = {label, unpacked(sub(value, head == 220 and 4 or 2))}
  row[7], row[8] = row[7] * 1000, row[8] * 1000
  return row
end

local seen = {{}, {}, {}, {}, {}}
local backends, zones, models, teams, keys = unpack(seen)
local function note_names(backend, zone, model, team, key)
  backends[backend], zones[zone], models[model], teams[team], keys[key] = true, true, true, true, true
end

local function is_wanted(cell)
  for i = 1, #wanted, 2 do
    if select(wanted[i], match(cell, CELL)) ~= wanted[i + 1] then return false end
  end
  return true
end

local rows, found = {}, {}
local function add(cell, value)
  local label = gsub(cell, CELL, label_form)
  local row, sums = row_of(label, value), found[label]
  if sums then
    for n = 2, #row do sums[n] = (sums[n] or 0) + row[n] end
  else
    found[label] = row
    rows[#rows + 1] = row
  end
end

repeat
  local flat
  cursor, flat = unpack(redis.call('HSCAN', KEYS[1], cursor, 'COUNT', AT_ONCE))
  for i = 1, #flat, 2 do
    if names_asked then note_names(match(flat[i], CELL)) end
    if is_wanted(flat[i]) then add(flat[i], flat[i + 1]) end
  end
  cells = cells - #flat / 2
until cursor == '0' or cells <= 0 or #rows > most
for r = 1, #rows do
  local row = rows[r]
  for n = #row, 3, -1 do
    if row[n] ~= 0 then break end
    row[n] = nil
  end
end

local all = {}
for d = 1, 5 do
  all[d] = {}
  for name in pairs(seen[d]) do table.insert(all[d], name) end
end
return {pack(rows), pack(all), cursor}
