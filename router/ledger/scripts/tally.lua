-- Totals of a day or an hour, or of a piece of it, by some of the dimensions of its cells, in one or several ways at once.
-- KEYS[1]: the hash of cells. KEYS[2], if there is one: where a piece leaves what it has for the next one, as long as
-- that is little: a row travels once then, rather than with every piece. ARGV[1] is a msgpack array:
--   cursor  where to go on, "0" to begin, and "+" before it where something was left
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
local MOST_LEFT, LEFT_SECONDS = 250, 60 -- rows and names
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

-- What the piece before has left takes as long to read as so many cells.
local function go_on()
  local left = redis.call('GET', KEYS[2])
  if not left then return redis.error_reply('what was added up before is gone') end
  local rows, names = unpack(unpacked(left))
  for v = 1, #views do
    views[v].rows = rows[v]
    for _, row in ipairs(rows[v]) do views[v].found[sub(row[1], 1, -2)] = row end
    work = work - #rows[v]
  end
  for d = 1, 5 do
    for _, name in ipairs(names[d]) do seen[d][name] = true end
    work = work - #names[d]
  end
end
local was_left = sub(cursor, 1, 1) == '+'
if was_left then
  cursor = sub(cursor, 2)
  local wrong = go_on()
  if wrong then return wrong end
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

local answer, number = {}, 0
for v = 1, #views do
  local rows = views[v].rows
  for r = 1, #rows do
    local row = rows[r]
    for n = #row, 3, -1 do
      if row[n] ~= 0 then break end
      row[n] = nil
    end
  end
  answer[v], number = rows, number + #rows
end

local all = {}
for d = 1, 5 do
  all[d] = {}
  for name in pairs(seen[d]) do table.insert(all[d], name) end
  number = number + #all[d]
end
if KEYS[2] and cursor ~= '0' and number <= MOST_LEFT then
  redis.call('SET', KEYS[2], pack({answer, all}), 'EX', LEFT_SECONDS)
  for v = 1, #views do answer[v] = {} end
  return {pack(answer), pack({{}, {}, {}, {}, {}}), '+' .. cursor}
end
if was_left then redis.call('DEL', KEYS[2]) end
return {pack(answer), pack(all), cursor}
