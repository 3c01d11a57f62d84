-- Writes what has become of alerts, and what is to be told of it. KEYS: the hash of alerts, the list of what was told,
-- the hash of lanes. ARGV: the prefix of all keys, the time by the server's clock after which this is too late, how many
-- notices a lane holds, how many are remembered, for how long a lane is kept (seconds); then for each move its key, what
-- was kept, what is to be kept (empty: nothing), the notice (empty: none), how many lanes get it, and these.
-- Returns 1 or 0 for each move: whether what was kept was that still. So each crossing is told by one gateway alone.
local prefix, latest, most, remembered, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local call = redis.call
local time = call('TIME')
local now = time[1] + time[2] / 1e6
local done, at = {}, 6
while ARGV[at] do
  local key, before, after, notice, lanes = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local kept = call('HGET', KEYS[1], key) or ''
  local ours = now <= latest and kept == before
  if ours then
    if after == '' then call('HDEL', KEYS[1], key) else call('HSET', KEYS[1], key, after) end
    if notice ~= '' then
      call('LPUSH', KEYS[2], notice)
      for lane = at + 5, at + 4 + lanes do
        local queue = prefix .. 'queue:' .. ARGV[lane]
        call('HSETNX', KEYS[3], ARGV[lane] .. '|waiting', tostring(now))
        if call('RPUSH', queue, notice) > most then
          call('LPOP', queue)
          call('HINCRBY', KEYS[3], ARGV[lane] .. '|dropped', 1)
        end
        call('EXPIRE', queue, ttl)
      end
    end
  end
  done[#done + 1] = ours and 1 or 0
  at = at + 5 + lanes
end
call('LTRIM', KEYS[2], 0, remembered - 1)
return done
