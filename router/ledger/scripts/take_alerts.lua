-- Takes one lane's message to send it: the one that is under way, when it is due and nobody sends it, or a new one of all
-- notices that have waited for each other, or else one of those whose message its target refused, or of those that it
-- refused alone, once they have rested. KEYS: the lane's queue, its message (a hash), the message's notices (a list), its
-- lease, the hash of lanes, the notices to be sent apart, those aside. ARGV: the lane, who takes it, for how many
-- milliseconds, how long notices wait for others (seconds), how many one message has at most, a new message's id, for how
-- long it is kept (seconds), the refusals that a part begins with; what was aside has one more when others arrived since
-- the last failure.
-- Returns nothing, or the message's id, when it was made, how often it has failed, its notices, how often it was refused.
local call = redis.call
if call('EXISTS', KEYS[4]) == 1 then return false end
local time = call('TIME')
local now = time[1] + time[2] / 1e6
if call('EXISTS', KEYS[2]) == 0 then
  local waiting, length = call('HGET', KEYS[5], ARGV[1] .. '|waiting'), call('LLEN', KEYS[1])
  local from, count, refusals = KEYS[1], math.min(length, tonumber(ARGV[5])), 0
  if length == 0 or (waiting and now - waiting < tonumber(ARGV[4]) and length < tonumber(ARGV[5])) then
    from, refusals = KEYS[6], tonumber(ARGV[8])
    if call('EXISTS', from) == 0 then
      local how = call('HMGET', KEYS[5], ARGV[1] .. '|rests', ARGV[1] .. '|delivered', ARGV[1] .. '|failed')
      if tonumber(how[1] or 0) > now then return false end
      from = KEYS[7]
      if tonumber(how[2] or 0) > tonumber(how[3] or 0) then refusals = refusals + 1 end
    end
    count = math.min(call('LLEN', from), tonumber(call('HGET', KEYS[5], ARGV[1] .. '|most') or 1))
    if count == 0 then return false end
  end
  call('DEL', KEYS[3])
  for _ = 1, count do call('RPUSH', KEYS[3], call('LPOP', from)) end
  if from == KEYS[1] then call('HDEL', KEYS[5], ARGV[1] .. '|waiting') end
  call('HSET', KEYS[2], 'id', ARGV[6], 'created', tostring(now), 'attempts', 0, 'due', 0, 'refusals', refusals)
  call('EXPIRE', KEYS[2], ARGV[7])
  call('EXPIRE', KEYS[3], ARGV[7])
elseif tonumber(call('HGET', KEYS[2], 'due')) > now then
  return false
end
call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])
local message = call('HMGET', KEYS[2], 'id', 'created', 'attempts', 'refusals')
return {message[1], message[2], message[3], call('LRANGE', KEYS[3], 0, -1), message[4] or '0'}
