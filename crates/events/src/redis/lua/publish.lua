-- Adds an event to an execution, and returns its number and the bytes that are kept.
--
-- stream  the events that are kept; their ids are their numbers
-- state   hash: birth (tells streams of one execution apart), last (the newest number), dropped (the newest number
--         that is no longer kept), bytes, attempt, ended
local stream, state = KEYS[1], KEYS[2]
local birth, max_events, max_bytes, expiry, expiry_after_end, size, attempt, ended, may_be_void, numbers = unpack(ARGV)
local FIRST_FIELD = 11

local stored = redis.call('HMGET', state, 'last', 'dropped', 'bytes', 'ended', 'attempt')
local last, dropped, bytes = tonumber(stored[1]) or 0, tonumber(stored[2]) or 0, tonumber(stored[3]) or 0
-- After the result nothing is added: whoever publishes that late was overtaken by the end.
if stored[4] then
  return { last, bytes }
end
local newest = tonumber(stored[5]) or 0
if may_be_void == '1' and tonumber(attempt) < newest then
  return { last, bytes }
end
newest = math.max(newest, tonumber(attempt) or 0)
if not stored[1] then
  -- What is left of a stream without a state has numbers that are given again.
  redis.call('UNLINK', stream)
  redis.call('HSET', state, 'birth', birth, 'attempt', 0)
end

-- The numbers of each further attempt begin anew.
last, bytes = math.max(last, (newest - 1) * tonumber(numbers)) + 1, bytes + tonumber(size)
redis.call('XADD', stream, last .. '-0', 'size', size, unpack(ARGV, FIRST_FIELD))

-- The oldest are dropped beyond the limits, but never the newest.
local kept = redis.call('XLEN', stream)
local function too_much()
  return kept > 1 and (kept > tonumber(max_events) or bytes > tonumber(max_bytes))
end
while too_much() do
  for _, oldest in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', 16)) do
    if not too_much() then break end
    kept, bytes = kept - 1, bytes - tonumber(oldest[2][2])
    dropped = tonumber(string.match(oldest[1], '^%d+'))
  end
  redis.call('XTRIM', stream, 'MINID', (dropped + 1) .. '-0')
end

redis.call('HSET', state, 'last', last, 'dropped', dropped, 'bytes', bytes, 'attempt', newest)
if ended == '1' then
  redis.call('HSET', state, 'ended', 1)
  expiry = expiry_after_end
end
redis.call('PEXPIRE', stream, expiry)
redis.call('PEXPIRE', state, expiry)
-- Only a wake-up: who watches reads the stream from where it stopped.
redis.call('PUBLISH', stream, last)
return { last, bytes }
