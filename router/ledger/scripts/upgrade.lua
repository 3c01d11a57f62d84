-- Brings some cells of a day from an earlier layout to this one, which has their sums by scope: {.., day, cells to look at}.
-- Whoever counts in such a cell meanwhile does the same with it, so each is summed once, whoever comes first, and
-- whatever becomes of the caller: where the next call goes on is kept in the books.
-- Answers 1 when there is more to do.
local day, most = input[9], input[10]
local key, progress = prefix .. 'day:' .. day, prefix .. 'upgrade'
local cursor = call('HGET', progress, day) or '0'
if cursor == 'done' then return 0 end
local found = call('HSCAN', key, cursor, 'COUNT', most)
local cells, changes = {}, {}
for i = 1, #found[2], 2 do
  if is_former(found[2][i + 1]) then
    cells[#cells + 1], changes[#changes + 1] = found[2][i], NO_TOTALS
  end
end
for first = 1, #cells, most do
  local last = math.min(first + most - 1, #cells)
  for i = first, last do call('SADD', prefix .. 'zones', match(cells[i], '^[^|]*|([^|]*)|')) end
  add_former(day, add_totals(key, {unpack(cells, first, last)}, {unpack(changes, first, last)}))
end
call('DEL', prefix .. 'sum:' .. day)
call('HSET', progress, day, found[1] == '0' and 'done' or found[1])
return found[1] == '0' and 0 or 1
