-- Gives one's own lease up. KEYS: the lease. ARGV: a token.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
