-- Totals of a day or an hour, or of a piece of it, by some of the dimensions of its cells, in one or several ways at once.
-- KEYS[1]: the hash of cells. ARGV[1] is a msgpack array:
--   cursor  where to go on, "0" to begin
--   work    of a piece: a cell is 1 and 1 more for each view, and so is a row that begins
--   names   whether to answer them; they are left empty otherwise
--   views   of each an array:
--     letters of these: "b" backend, "m" model, "t" team, "k" key, and the zone always
--     wanted  of each of some dimensions {number, {name, ..}}: cells with none of these names are left out
-- Answers a msgpack array with an array for each view, of {zone and names, each followed by |, totals .., without zeros
-- at the end}; the names of all cells, a msgpack array of five arrays in the order of a cell's dimensions; where to go
-- on, "0" at the end.
local pack, unpacked = cmsgpack.pack, cmsgpack.unpack
local match, sub, byte, concat = string.match, string.sub, string.byte, table.concat
local cursor, work, names_asked, views = unpack(unpacked(ARGV[1]))
local AT_ONCE = 100
local LEAST_AT_ONCE = 10
local CELL = '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$'
local PLACE = {b = 1, m = 3, t = 4, k = 5}

-- As in common.lua: totals of this layout have a header of five bytes, and others micro-USD.
local function totals_of(value)
  local head = byte(value)
  if head == 221 then return {unpacked(sub(value, 6))} end
  local totals = {unpacked(sub(value, head == 220 and 4 or 2))}
  totals[6], totals[7] = totals[6] * 1000, totals[7] * 1000
  return totals
end

local seen = {{}, {}, {}, {}, {}}
local function note_names(names)
  for d = 1, 5 do seen[d][names[d]] = true end
end

for v = 1, #views do
  local letters, wanted = unpack(views[v])
  local places = {2}
  for i = 1, #letters do places[i + 1] = PLACE[sub(letters, i, i)] end
  for i = 1, #wanted do
    local names = {}
    for _, name in ipairs(wanted[i][2]) do names[name] = true end
    wanted[i][2] = names
  end
  views[v] = {places = places, wanted = wanted, parts = {}, rows = {}, found = {}}
end

local function is_wanted(view, names)
  local wanted = view.wanted
  for i = 1, #wanted do
    if not wanted[i][2][names[wanted[i][1]]] then return false end
  end
  return true
end

local function add(view, names, totals)
  local places, parts = view.places, view.parts
  for i = 1, #places do parts[i] = names[places[i]] end
  local label = concat(parts, '|')
  local row = view.found[label]
  if row then
    for n = 1, #totals do row[n + 1] = (row[n + 1] or 0) + totals[n] end
  else
    row = {label .. '|', unpack(totals)}
    view.found[label] = row
    view.rows[#view.rows + 1] = row
    work = work - 1
  end
end

-- So few cells at once that the last of them are not far more than what is left, whatever rows they begin.
local each = 1 + #views
local at_once
repeat
  at_once = math.max(LEAST_AT_ONCE, math.min(AT_ONCE, math.floor(work / (each + #views))))
  local flat
  cursor, flat = unpack(redis.call('HSCAN', KEYS[1], cursor, 'COUNT', at_once))
  for i = 1, #flat, 2 do
    local names, totals = {match(flat[i], CELL)}, nil
    if names_asked then note_names(names) end
    for v = 1, #views do
      if is_wanted(views[v], names) then
        totals = totals or totals_of(flat[i + 1])
        add(views[v], names, totals)
      end
    end
  end
  work = work - each * #flat / 2
until cursor == '0' or work < LEAST_AT_ONCE * each

local answer = {}
for v = 1, #views do
  local rows = views[v].rows
  for r = 1, #rows do
    local row = rows[r]
    for n = #row, 3, -1 do
      if row[n] ~= 0 then break end
      row[n] = nil
    end
  end
  answer[v] = rows
end

local all = {}
for d = 1, 5 do
  all[d] = {}
  for name in pairs(seen[d]) do table.insert(all[d], name) end
end
return {pack(answer), pack(all), cursor}
