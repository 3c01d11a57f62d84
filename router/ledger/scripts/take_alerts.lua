-- Takes one lane's message to send it: the one that is under way, when it is due and nobody sends it, or a new one of all
-- notices that have waited for each other. KEYS: the lane's queue, its message (a hash), the message's notices (a list),
-- its lease, the hash of lanes. ARGV: the lane, who takes it, for how many milliseconds, how long notices wait for others
-- (seconds), how many one message has at most, a new message's id, for how long it is kept (seconds).
-- Returns nothing, or the message's id, when it was made, how often it has failed, and its notices.
local call = redis.call
if call('EXISTS', KEYS[4]) == 1 then return false end
local time = call('TIME')
local now = time[1] + time[2] / 1e6
if call('EXISTS', KEYS[2]) == 0 then
  local waiting, length = call('HGET', KEYS[5], ARGV[1] .. '|waiting'), call('LLEN', KEYS[1])
  if length == 0 or (waiting and now - waiting < tonumber(ARGV[4]) and length < tonumber(ARGV[5])) then return false end
  call('DEL', KEYS[3])
  for _ = 1, math.min(length, tonumber(ARGV[5])) do call('RPUSH', KEYS[3], call('LPOP', KEYS[1])) end
  call('HDEL', KEYS[5], ARGV[1] .. '|waiting')
  call('HSET', KEYS[2], 'id', ARGV[6], 'created', tostring(now), 'attempts', 0, 'due', 0)
  call('EXPIRE', KEYS[2], ARGV[7])
  call('EXPIRE', KEYS[3], ARGV[7])
elseif tonumber(call('HGET', KEYS[2], 'due')) > now then
  return false
end
call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])
local message = call('HMGET', KEYS[2], 'id', 'created', 'attempts')
return {message[1], message[2], message[3], call('LRANGE', KEYS[3], 0, -1)}
