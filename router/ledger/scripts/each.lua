-- One batch, operation by operation: {.., .., operations, reserved}, an operation being {kind, id, slot}.
--   settle   a hold that is gone was settled before, unless it was charged as held: then the difference is corrected
--   release  the same, counting nothing
--   abandon  a release of a hold that may still arrive, from a connection that was given up: it is marked, so that
--            it is not charged when it expires
--   record   counts once, with or without a hold
-- Answers the new figures of the volume.
local operations, reserved = input[3], input[4]
local counted = {}

local function mark(bucket, id, what)
  local key = prefix .. 'done:' .. bucket
  call('HSET', key, id, what)
  call('EXPIRE', key, correctable)
end

-- Removes the hold, or takes back its charge; true when there was one of them.
local function lift(bucket, id)
  if call('HDEL', prefix .. 'hold:' .. bucket, id) == 1 then return true end
  local key = prefix .. 'charged:' .. bucket
  local hold = call('HGET', key, id)
  if not hold then return false end
  call('HDEL', key, id)
  charge(hold, -1, counted)
  return true
end

for i = 1, #operations do
  local kind, id, slot = operations[i][1], operations[i][2], operations[i][3]
  local bucket = string.sub(id, 1, 8)
  local lifted = lift(bucket, id)
  if kind == 'record' then
    if call('HGET', prefix .. 'done:' .. bucket, id) ~= 'r' then
      mark(bucket, id, 'r')
      count(slot, counted)
    end
  elseif kind == 'abandon' then
    if not lifted and not call('HGET', prefix .. 'done:' .. bucket, id) then mark(bucket, id, 'x') end
  elseif kind == 'settle' and lifted then
    count(slot, counted)
  end
end
for i = 1, #reserved, 2 do call('HSET', prefix .. 'hold:' .. reserved[i], unpack(reserved[i + 1])) end
return counted
