local ready, delayed, turns, flows, clock, languages = unpack(KEYS)
local execution, flow, step, earlier_turn, wait_ms, language = unpack(ARGV)

-- How many flows are remembered beyond one for each entry that waits: those whose entries were taken back.
local IDLE_FLOWS = 1000

if redis.call('ZSCORE', ready, execution) or redis.call('ZSCORE', delayed, execution) then
  return 0
end

local now, highest = advance(ready, flows, clock)
local turn = tonumber(earlier_turn)
if not turn then
  -- A flow whose latest entries were taken back does not wait for their turns: it comes after all that wait.
  local last = tonumber(redis.call('ZSCORE', flows, flow) or now)
  local start = math.max(now, math.min(last, turn_at(ready, -1) or now))
  turn = start + tonumber(step)
  redis.call('ZADD', flows, turn, flow)
  redis.call('ZREMRANGEBYRANK', flows, 0, -(redis.call('ZCARD', ready) + IDLE_FLOWS + 1))
  redis.call('EXPIRE', flows, EXPIRY_SECONDS)
end
store(clock, now, math.max(highest, turn))

if tonumber(wait_ms) > 0 then
  redis.call('ZADD', delayed, milliseconds() + tonumber(wait_ms), execution)
  redis.call('HSET', turns, execution, turn)
else
  redis.call('ZADD', ready, turn, execution)
end
redis.call('SADD', languages, language)
return 1
