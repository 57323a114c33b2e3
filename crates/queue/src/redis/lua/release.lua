-- Lets what is due be handed out, and returns the ms until more is due, or -1 if nothing is delayed.
--
-- The keys are named here, not by the caller, because only the set knows the languages; all have one hash tag.
local languages = KEYS[1]
local prefix, batch = unpack(ARGV)

local time = milliseconds()
local next_due
for _, language in ipairs(redis.call('SMEMBERS', languages)) do
  local function key(name) return prefix .. name .. ':' .. language end
  local ready, delayed, turns = key('ready'), key('delayed'), key('turns')
  local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', time, 'LIMIT', 0, batch)
  if #due > 0 then
    local now, highest = advance(ready, key('flows'), key('clock'))
    store(key('clock'), now, highest)
    for _, execution in ipairs(due) do
      redis.call('ZADD', ready, redis.call('HGET', turns, execution) or now, execution)
      redis.call('ZREM', delayed, execution)
      redis.call('HDEL', turns, execution)
    end
  end
  local first = tonumber(redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2])
  next_due = first and math.min(first, next_due or first) or next_due
end
return next_due and math.max(0, next_due - time) or -1
