-- One batch whose holds are expected to be there: {.., .., gone, slots, reserved}.
--   gone      bucket, {ids}, bucket, {ids}, ..: holds that are settled or released, each id once
--   slots     what they add, already summed by place and cell
--   reserved  bucket, {id, hold, id, hold, ..}, ..: new holds
-- Answers the new figures of the volume. Answers nil, and has changed nothing, when a hold is missing: then the
-- caller sends the operations one by one (each.lua).
local gone, slots, reserved = input[3], input[4], input[5]
for i = 1, #gone, 2 do
  local held = call('HMGET', prefix .. 'hold:' .. gone[i], unpack(gone[i + 1]))
  for j = 1, #held do
    if not held[j] then return false end
  end
end
for i = 1, #gone, 2 do call('HDEL', prefix .. 'hold:' .. gone[i], unpack(gone[i + 1])) end
local counted = {}
for i = 1, #slots do count(slots[i], counted) end
for i = 1, #reserved, 2 do call('HSET', prefix .. 'hold:' .. reserved[i], unpack(reserved[i + 1])) end
return counted
