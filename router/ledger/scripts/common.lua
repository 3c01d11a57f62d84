-- Shared by all scripts. KEYS[1] is the volume's key, ARGV[1] the prefix of all keys, ARGV[2] a msgpack array that begins:
--   1 seconds that charged holds are kept for a late settlement
--   2 seconds that totals are kept
--   3 names of the zones that are owned, as in cells
--   4 the epoch that the sender knows
--   5 the sender: a writer
--   6 its term: connecting anew begins another one, so that what is still on the way from before is not taken
--   7 the number of its last batch, as far as it knows
--   8 the number of this one
local prefix = ARGV[1]
local input = cmsgpack.unpack(ARGV[2])
local call, pack, unpacked = redis.call, cmsgpack.pack, cmsgpack.unpack
local match, sub = string.match, string.sub
local correctable, retained = input[1], input[2]
local LOCAL, CLOUD, BOTH = 1, 2, 3

local function named(names)
  local set = {}
  for i = 1, #names do set[names[i]] = true end
  return set
end
local owned = named(input[3])

-- What a writer has sent is a msgpack array of two integers: its term, and the number of its last batch.
local function sent_by(writer)
  local value = call('HGET', prefix .. 'writers', writer)
  if not value then return 0, 0 end
  return unpacked(sub(value, 2))
end

local function note_sent(writer, term, number) call('HSET', prefix .. 'writers', writer, '\146' .. pack(term, number)) end

-- Nil when this batch is the writer's next one. Otherwise {0} when it is from an earlier term or was applied before, and
-- {-1} when the books lack what they had: another epoch, or batches of this writer that are gone.
local function out_of_turn()
  if call('GET', prefix .. 'epoch') ~= input[4] then return {-1} end
  local term, last = sent_by(input[5])
  if term == input[6] and last == input[7] then return nil end
  return {(term > input[6] or last >= input[8]) and 0 or -1}
end

local function applied() note_sent(input[5], input[6], input[8]) end

-- Adds to the packed totals of several cells. A value is a msgpack array of ten integers: its header byte, then
-- the integers, which unpack without building a table. Values of nine are from before the last column.
local function add_totals(key, cells, changes)
  local old = call('HMGET', key, unpack(cells))
  local new, fresh = {}, false
  for i = 1, #cells do
    local c, value = changes[i], old[i]
    if value then
      local n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = unpacked(sub(value, 2))
      value = pack(n1 + c[1], n2 + c[2], n3 + c[3], n4 + c[4], n5 + c[5], n6 + c[6], n7 + c[7], n8 + c[8], n9 + c[9],
        (n10 or 0) + c[10])
    else
      fresh = true
      value = pack(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10])
    end
    new[2 * i - 1], new[2 * i] = cells[i], '\154' .. value
  end
  call('HSET', key, unpack(new))
  if fresh then call('EXPIRE', key, retained) end
end

-- Adds eligible tokens to a quarter of an hour; `counted` collects the new figures, flat.
local function add_volume(quarter, uncached, cached, output, counted)
  local old = call('HGET', KEYS[1], quarter)
  if old then
    local n1, n2, n3 = unpacked(sub(old, 2))
    uncached, cached, output = n1 + uncached, n2 + cached, n3 + output
  end
  call('HSET', KEYS[1], quarter, '\147' .. pack(uncached, cached, output))
  local n = #counted
  counted[n + 1], counted[n + 2], counted[n + 3], counted[n + 4] = tonumber(quarter), uncached, cached, output
end

-- Counts in one place: {day, hour, quarter, cells, changes, eligible, uncached, cached, output}.
local function count(slot, counted)
  add_totals(prefix .. 'day:' .. slot[1], slot[4], slot[5])
  add_totals(prefix .. 'hour:' .. slot[2], slot[4], slot[5])
  if slot[6] then add_volume(slot[3], slot[7], slot[8], slot[9], counted) end
end

-- A counter of a limit is a msgpack array of three integers: what is used, what is held by running requests, and what
-- these may take beyond their holds. One of a day or a month that is not there yet is counted from the totals, so that
-- a limit that is new, or lost, never begins with nothing used. `place` is its hash, `field` "scope|side|model|measure".
local MEASURED = {usd = 6, tokens = 0, requests = 1}

local function belongs(cell, scope, side, model)
  local _, zone, its_model, team, key = match(cell, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  if side ~= 'all' and (side == 'local') ~= (owned[zone] or false) then return false end
  if model ~= '' and model ~= its_model then return false end
  return scope == 'global' or scope == 'team:' .. team or scope == 'key:' .. key
end

local function counted_before(place, field)
  local period, name = match(place, '^limit:(%a+):(.*)$')
  if period ~= 'day' and period ~= 'month' then return 0 end
  local scope, side, model, measure = match(field, '^([^|]*)|([^|]*)|([^|]*)|(.*)$')
  local column, sum = MEASURED[measure], 0
  local function add_day(day)
    local flat = call('HGETALL', prefix .. 'day:' .. day)
    for i = 1, #flat, 2 do
      if belongs(flat[i], scope, side, model) then
        local totals = {unpacked(sub(flat[i + 1], 2))}
        sum = sum + (column == 0 and totals[3] + totals[5] or totals[column])
      end
    end
  end
  if period == 'day' then
    add_day(name)
  else
    for day = 1, 31 do add_day(string.format('%s-%02d', name, day)) end
  end
  return sum
end

local TTL = {minute = 7200, day = 40 * 86400, month = 70 * 86400}

local function store_counters(place, pairs, fresh)
  call('HSET', prefix .. place, unpack(pairs))
  local ttl = fresh and TTL[match(place, '^limit:(%a+):')]
  if ttl then call('EXPIRE', prefix .. place, ttl) end
end

local function counter(used, held, risk)
  return '\147' .. pack(math.max(used, 0), math.max(held, 0), math.max(risk, 0))
end

-- Changes one counter; for the rare cases, which have no batch of them.
local function adjust(place, field, used, held, risk)
  local old = call('HGET', prefix .. place, field)
  local u, h, r = 0, 0, 0
  if old then u, h, r = unpacked(sub(old, 2)) else u = counted_before(place, field) end
  store_counters(place, {field, counter(u + used, h + held, r + risk)}, not old)
end

-- A hold is its sides ("1" local, "2" cloud, "3" both), a msgpack array (below), and its bill: an array of {place, field,
-- measure, side}. Measures are 1 micro-USD, 2 tokens, 3 requests, 4 running requests; side 0 is all.
local function read_hold(value)
  local hold, bill = unpacked(sub(value, 2))
  local sides = tonumber(sub(value, 1, 1))
  local on_own = sides == LOCAL
  return {
    sides = sides, bill = bill,
    day = hold[1], hour = hold[2], quarter = hold[3], input = hold[4], output = hold[5],
    cost = on_own and hold[7] or hold[6], eligible = hold[8],
    cell = on_own and hold[10] ~= '' and hold[10] or hold[9],
    at = hold[11], request = hold[12],
    risk = {on_own and (hold[15] or 0) or hold[13], hold[14], 0, 0},
  }
end

local function is_own(cell) return owned[match(cell, '^[^|]*|([^|]*)|')] or false end

-- What a hold means for its counters: takes its amounts out of `held` (sign 1), and adds them to `used` when it is
-- charged (charged 1; -1 takes a charge back).
local function settle_counters(hold, sign, charged)
  local own = is_own(hold.cell) and LOCAL or CLOUD
  local amounts = {hold.cost, hold.input + hold.output, 1, 1}
  for i = 1, #hold.bill do
    local place, field, measure, side = unpack(hold.bill[i])
    local amount = amounts[measure]
    local holds = side == 0 or hold.sides == BOTH or side == hold.sides
    local uses = measure ~= 4 and (side == 0 or side == own)
    if holds or uses then
      adjust(place, field, uses and charged * amount or 0, holds and -sign * amount or 0,
        holds and -sign * hold.risk[measure] or 0)
    end
  end
end

-- What was added up of a day by dimensions, see tally.lua, is wrong once the day is corrected.
local function forget_sums(day) call('DEL', prefix .. 'sum:' .. day) end

-- Counts a hold as it was held (sign 1), or takes that back (sign -1).
local function charge(hold, sign, counted)
  forget_sums(hold.day)
  local uncached, output = sign * hold.input, sign * hold.output
  local change = {sign, 0, uncached, 0, output, sign * hold.cost, 0, 0, sign, 0}
  count({hold.day, hold.hour, hold.quarter, {hold.cell}, {change}, hold.eligible, uncached, 0, output}, counted)
end

local function unescaped(name) return (string.gsub(string.gsub(name, '%%7C', '|'), '%%25', '%%')) end

-- The record of a hold that was charged ("held"), or whose charge was taken back ("lifted").
local function record_of(kind, id, hold)
  local backend, zone, model, team, key = match(hold.cell, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return pack({kind, id, hold.at, unescaped(key), unescaped(team), unescaped(model), unescaped(backend),
    unescaped(zone), hold.input, 0, 0, hold.output, false, hold.cost, 0, false, hold.eligible, hold.request, '', {}, '',
    0, false, 0, 0, 0, 0, ''})
end

-- Appends records to the stream: `blob` is a msgpack array of so many.
local function write_records(blob, number)
  if number == 0 then return end
  call('XADD', prefix .. 'requests', '*', 'n', number, 'b', blob)
  call('INCRBY', prefix .. 'requests:kept', number)
end

local function array_of(records)
  local n = #records
  local head = n < 16 and string.char(144 + n) or '\220' .. string.char(math.floor(n / 256), n % 256)
  return head .. table.concat(records)
end
