-- Shared by all scripts. KEYS[1] is the volume's key, ARGV[1] the prefix of all keys, ARGV[2] a msgpack array.
local prefix = ARGV[1]
local input = cmsgpack.unpack(ARGV[2])
local call, pack, unpacked = redis.call, cmsgpack.pack, cmsgpack.unpack
local correctable = input[1] -- seconds that charged holds and marks of finished ones are kept
local retained = input[2] -- seconds that totals are kept

-- Adds to the packed totals of several cells. A value is a msgpack array of nine integers: its header byte, then
-- the integers, which unpack without building a table.
local function add_totals(key, cells, changes)
  local old = call('HMGET', key, unpack(cells))
  local new, fresh = {}, false
  for i = 1, #cells do
    local c, value = changes[i], old[i]
    if value then
      local n1, n2, n3, n4, n5, n6, n7, n8, n9 = unpacked(string.sub(value, 2))
      value = pack(n1 + c[1], n2 + c[2], n3 + c[3], n4 + c[4], n5 + c[5], n6 + c[6], n7 + c[7], n8 + c[8], n9 + c[9])
    else
      fresh = true
      value = pack(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9])
    end
    new[2 * i - 1], new[2 * i] = cells[i], '\153' .. value
  end
  call('HSET', key, unpack(new))
  if fresh then call('EXPIRE', key, retained) end
end

-- Adds eligible tokens to a quarter of an hour; `counted` collects the new figures, flat.
local function add_volume(quarter, uncached, cached, output, counted)
  local old = call('HGET', KEYS[1], quarter)
  if old then
    local n1, n2, n3 = unpacked(string.sub(old, 2))
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

-- Charges a hold as held (sign 1), or takes that back (sign -1).
local function charge(hold, sign, counted)
  local day, hour, quarter, uncached, output, cost, eligible, cell =
    string.match(hold, '^([^|]*)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d)|(.*)$')
  uncached, output, cost = sign * uncached, sign * output, sign * cost
  local change = {sign, 0, uncached, 0, output, cost, 0, 0, sign}
  count({day, hour, quarter, {cell}, {change}, eligible == '1', uncached, 0, output}, counted)
end
