-- Shared by all scripts, behind the constants and functions that prelude.py makes.
-- KEYS[1] is the volume's key, ARGV[1] the prefix of all keys, ARGV[2] a msgpack array that begins:
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
local match, sub, byte = string.match, string.sub, string.byte
local correctable, retained = input[1], input[2]
local LOCAL, CLOUD, BOTH = 1, 2, 3

local function named(names)
  local set = {}
  for i = 1, #names do set[names[i]] = true end
  return set
end
local owned = named(input[3])

-- What a writer has sent is a msgpack array of two integers: its term, and the number of its last batch. A third one says
-- how much of the batch after that was applied already, when it came in parts.
local function sent_by(writer)
  local value = call('HGET', prefix .. 'writers', writer)
  if not value then return 0, 0, 0 end
  local term, last, part = unpacked(sub(value, 2))
  return term, last, part or 0
end

local function note_sent(writer, term, number, part)
  local sent = part > 0 and '\147' .. pack(term, number, part) or '\146' .. pack(term, number)
  call('HSET', prefix .. 'writers', writer, sent)
end

-- Nil when this batch is the writer's next one, or the next part of it. Otherwise {0} when it is from an earlier term or
-- was applied before, and {-1} when the books lack what they had: another epoch, or batches of this writer that are gone.
local function out_of_turn(part)
  if call('GET', prefix .. 'epoch') ~= input[4] then return {-1} end
  local term, last, done = sent_by(input[5])
  if term == input[6] and last == input[7] and done == part then return nil end
  return {(term > input[6] or last >= input[8] or (last == input[7] and done > part)) and 0 or -1}
end

local function applied() note_sent(input[5], input[6], input[8], 0) end

-- Money is in nano-USD. What earlier layouts wrote is in micro-USD, and is taken times this as it is read.
local NANO = 1000

-- Totals of a cell are a msgpack array of integers, whose header takes five bytes: the integers behind it unpack without
-- building a table. The last five columns may be missing, which were not counted yet when they were written. A header of
-- three bytes is of an earlier layout, with money in micro-USD. One of one byte is of the first layout: its totals are not
-- in the sums by scope yet, and values of nine are from before the tenth column.
local function is_former(value) return byte(value) < 220 end

local function totals_of(value)
  local head = byte(value)
  if head == 221 then return unpacked(sub(value, 6)) end
  local n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = unpacked(sub(value, head == 220 and 4 or 2))
  return n1, n2, n3, n4, n5, n6 * NANO, n7 * NANO, n8, n9, n10 or 0
end

-- The zones that anything was counted in: few, and read once.
local known_zones
local function zones()
  known_zones = known_zones or call('SMEMBERS', prefix .. 'zones')
  return known_zones
end

-- Once in a call: that something was counted there, and whether it is owned now, which reports of later days ask.
local noted = {}
local function note_zone(zone)
  if noted[zone] then return end
  noted[zone] = true
  call('SADD', prefix .. 'zones', zone)
  call(owned[zone] and 'SADD' or 'SREM', prefix .. 'owned', zone)
end

-- Adds to the totals of several cells. Answers those that were of an earlier layout, as cell, totals, ..
local function add_totals(key, cells, changes)
  local old = call('HMGET', key, unpack(cells))
  local new, fresh, former = {}, false, {}
  for i = 1, #cells do
    local c, value = changes[i], old[i]
    if value then
      if is_former(value) then
        former[#former + 1] = cells[i]
        former[#former + 1] = {totals_of(value)}
      end
      value = added_totals(c, totals_of(value))
    else
      fresh = true
      value = new_totals(c)
      note_zone(match(cells[i], '^[^|]*|([^|]*)|'))
    end
    new[2 * i - 1], new[2 * i] = cells[i], TOTALS .. value
  end
  call('HSET', key, unpack(new))
  if fresh then call('EXPIRE', key, retained) end
  return former
end

-- What each scope has used of a day or a month, so that no limit ever has to be counted from cells: a hash of
-- "scope|zone|model" (the model is empty for all of them) to {money, tokens, requests}.
local SPENT_TTL = {day = 3 * 86400, month = 70 * 86400}
local SPENT = '\221\0\0\0\3'

local function spent_of(value)
  if byte(value) == 221 then return unpacked(sub(value, 6)) end
  local money, tokens, requests = unpacked(sub(value, 4))
  return money * NANO, tokens, requests
end

local function add_sums(period, name, fields, sums)
  local key = prefix .. 'spent:' .. period .. ':' .. name
  local old = call('HMGET', key, unpack(fields))
  local new, fresh = {}, false
  for i = 1, #fields do
    local sum, value = sums[fields[i]], old[i]
    if value then
      local money, tokens, requests = spent_of(value)
      value = pack(money + sum[1], tokens + sum[2], requests + sum[3])
    else
      fresh = true
      value = pack(sum[1], sum[2], sum[3])
    end
    new[2 * i - 1], new[2 * i] = fields[i], SPENT .. value
  end
  call('HSET', key, unpack(new))
  if fresh then call('EXPIRE', key, SPENT_TTL[period]) end
end

local function add_spent(day, cells, changes)
  local fields, sums = {}, {}
  for i = 1, #cells do
    local c = changes[i]
    local money, tokens, requests = used_of(c)
    local zone, model, team, key = match(cells[i], '^[^|]*|([^|]*)|([^|]*)|([^|]*)|(.*)$')
    local all, one = '|' .. zone .. '|', '|' .. zone .. '|' .. model
    team, key = 'team:' .. team, 'key:' .. key
    local names = {'global' .. all, 'global' .. one, team .. all, team .. one, key .. all, key .. one}
    for n = 1, 6, model == '' and 2 or 1 do
      local sum = sums[names[n]]
      if sum then
        sum[1], sum[2], sum[3] = sum[1] + money, sum[2] + tokens, sum[3] + requests
      else
        fields[#fields + 1] = names[n]
        sums[names[n]] = {money, tokens, requests}
      end
    end
  end
  if #fields == 0 then return end
  add_sums('day', day, fields, sums)
  add_sums('month', sub(day, 1, 7), fields, sums)
end

-- Puts totals of an earlier layout, as `add_totals` answers them, into the sums by scope.
local function add_former(day, former)
  local cells, totals = {}, {}
  for i = 1, #former, 2 do cells[#cells + 1], totals[#totals + 1] = former[i], former[i + 1] end
  add_spent(day, cells, totals)
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

-- What was added up of a day and an hour by dimensions, see tally.lua, is wrong once something more is counted there.
local function forget_sums(day, hour) call('DEL', prefix .. 'summed:' .. day, prefix .. 'summed:hour:' .. hour) end

-- Counts in one place: {day, hour, quarter, cells, changes, eligible, uncached, cached, output}.
local function count(slot, counted)
  forget_sums(slot[1], slot[2])
  add_former(slot[1], add_totals(prefix .. 'day:' .. slot[1], slot[4], slot[5]))
  add_totals(prefix .. 'hour:' .. slot[2], slot[4], slot[5])
  add_spent(slot[1], slot[4], slot[5])
  if slot[6] then add_volume(slot[3], slot[7], slot[8], slot[9], counted) end
end

-- A counter of a limit is a msgpack array of three integers: what is used, what is held by running requests, and what
-- these may take beyond their holds. One of a day or a month that is not there yet begins with what its scope has used
-- already, so that a limit that is new, or lost, never begins with nothing used. `key` is the hash of some of them,
-- `fields` are "scope|side|model|measure".
local MOST_NAMES = 1000 -- Lua takes 8,000 arguments at most, and nobody knows how many zones there are.
local function counted_before(key, fields)
  local period, name = match(key, '^limit:(%a+):(.*)$')
  local sums, names, places, columns = {}, {}, {}, {}
  for i = 1, #fields do sums[i] = 0 end
  if period ~= 'day' and period ~= 'month' then return sums end
  local all = zones()
  for i = 1, #fields do
    local scope, side, model, measure = match(fields[i], '^([^|]*)|([^|]*)|([^|]*)|(.*)$')
    for z = 1, #all do
      if COLUMN_USED[measure] and (side == 'all' or (side == 'local') == (owned[all[z]] or false)) then
        local n = #names + 1
        names[n], places[n], columns[n] = scope .. '|' .. all[z] .. '|' .. model, i, COLUMN_USED[measure]
      end
    end
  end
  for first = 1, #names, MOST_NAMES do
    local last = math.min(first + MOST_NAMES - 1, #names)
    local values = call('HMGET', prefix .. 'spent:' .. period .. ':' .. name, unpack(names, first, last))
    for n = first, last do
      local value, i = values[n - first + 1], places[n]
      if value then sums[i] = sums[i] + select(columns[n], spent_of(value)) end
    end
  end
  return sums
end

local TTL = {minute = 7200, day = 40 * 86400, month = 70 * 86400}

local function store_counters(key, pairs, fresh)
  call('HSET', prefix .. key, unpack(pairs))
  local ttl = fresh and TTL[match(key, '^limit:(%a+):')]
  if ttl then call('EXPIRE', prefix .. key, ttl) end
end

-- Its header takes three bytes; that of one with micro-USD takes one.
local function counter_of(field, value)
  if byte(value) == 220 then return unpacked(sub(value, 4)) end
  local used, held, risk = unpacked(sub(value, 2))
  local unit = match(field, MONEY_FIELD) and NANO or 1
  return used * unit, held * unit, risk * unit
end

local function counter(used, held, risk)
  return '\220\0\3' .. pack(math.max(used, 0), math.max(held, 0), math.max(risk, 0))
end

-- Changes one counter; for the rare cases, which have no batch of them.
local function adjust(key, field, used, held, risk)
  local old = call('HGET', prefix .. key, field)
  local u, h, r = 0, 0, 0
  if old then u, h, r = counter_of(field, old) else u = counted_before(key, {field})[1] end
  store_counters(key, {field, counter(u + used, h + held, r + risk)}, not old)
end

-- A hold is its sides ("1" local, "2" cloud, "3" both), a msgpack array (below), and its counters: an array of {key, field,
-- number of the measure, side}; side 0 is all.
local function read_hold(value)
  local hold, counters = unpacked(sub(value, 2))
  local sides = tonumber(sub(value, 1, 1))
  local on_own = sides == LOCAL
  local unit = hold[16] and 1 or NANO
  return {
    sides = sides, counters = counters,
    day = hold[1], hour = hold[2], quarter = hold[3], input = hold[4], output = hold[5],
    cost = unit * (on_own and hold[7] or hold[6]), eligible = hold[8],
    cell = on_own and hold[10] ~= '' and hold[10] or hold[9],
    at = hold[11], request = hold[12], captive = hold[16] == 2,
    cost_at_risk = unit * (on_own and (hold[15] or 0) or hold[13]), tokens_at_risk = hold[14],
    counted = {unpack(hold, 17)},
  }
end

local function is_own(cell) return owned[match(cell, '^[^|]*|([^|]*)|')] or false end

-- What a hold means for its counters: takes its amounts out of `held` (sign 1), and adds them to `used` when it is
-- charged (charged 1; -1 takes a charge back).
local function settle_counters(hold, sign, charged)
  local own = is_own(hold.cell) and LOCAL or CLOUD
  local amounts, risks = amounts_held(hold), amounts_at_risk(hold)
  for i = 1, #hold.counters do
    local key, field, measure, side = unpack(hold.counters[i])
    local amount = amounts[measure]
    local holds = side == 0 or hold.sides == BOTH or side == hold.sides
    local uses = not is_standing(measure) and (side == 0 or side == own)
    if holds or uses then
      adjust(key, field, uses and charged * amount or 0, holds and -sign * amount or 0,
        holds and -sign * risks[measure] or 0)
    end
  end
end

-- Counts a hold as it was held (sign 1), or takes that back (sign -1).
local function charge(hold, sign, counted)
  local uncached, output, cost = sign * hold.input, sign * hold.output, sign * hold.cost
  local change = {sign, 0, uncached, 0, output, cost, 0, 0, sign, 0, 0, 0, 0, 0, 0}
  if hold.eligible then
    change[11], change[12] = uncached + output, is_own(hold.cell) and 0 or cost
  elseif hold.captive then
    change[13], change[14], change[15] = sign, uncached + output, cost
  end
  count({hold.day, hold.hour, hold.quarter, {hold.cell}, {change}, hold.eligible, uncached, 0, output}, counted)
end

local function unescaped(name) return (string.gsub(string.gsub(name, '%%7C', '|'), '%%25', '%%')) end

-- The record of a hold that was charged ("held"), or whose charge was taken back ("lifted").
local function record_of(kind, id, hold)
  local backend, zone, model, team, key = match(hold.cell, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return held_record({
    kind = kind, id = id, at = hold.at, key = unescaped(key), team = unescaped(team), model = unescaped(model),
    backend = unescaped(backend), zone = unescaped(zone), input = hold.input, output = hold.output, cost = hold.cost,
    eligible = hold.eligible, request = hold.request, captive = hold.captive, ['local'] = is_own(hold.cell),
  })
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

-- Removes a hold, or takes back its charge; true when there was one of them.
local function lift(bucket, id, counted, records)
  local key = prefix .. 'hold:' .. bucket
  local value = call('HGET', key, id)
  if value then
    call('HDEL', key, id)
    settle_counters(read_hold(value), 1, 0)
    return true
  end
  key = prefix .. 'charged:' .. bucket
  value = call('HGET', key, id)
  if not value then return false end
  call('HDEL', key, id)
  local hold = read_hold(value)
  settle_counters(hold, 0, -1)
  charge(hold, -1, counted)
  records[#records + 1] = record_of('lifted', id, hold)
  return true
end
