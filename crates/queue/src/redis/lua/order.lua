-- What the scripts know of the order of one language. memory/lane.rs follows the same rule.
--
-- ready    sorted set: executions that may be handed out, by turn
-- delayed  sorted set: executions that may not be handed out yet, by the time in ms when they may
-- turns    hash: the turns of the delayed ones
-- flows    sorted set: flows, by the last turn that was given to each
-- clock    hash: virtual time, and the latest turn that was ever given

local EXPIRY_SECONDS = 7 * 24 * 3600

-- Returns the turn of the entry at an index of the order, if there is one.
local function turn_at(ready, index)
  return tonumber(redis.call('ZRANGE', ready, index, index, 'WITHSCORES')[2])
end

-- Moves virtual time on to where the order has been worked off, and forgets the flows that it has passed.
--
-- Consumers take entries without a script, so nobody says what was handed out; but the lowest turn that waits tells
-- it just as well. Entries leave in order, and all come in through a script that calls this first. So whatever waits
-- now was not passed by anything since the last call, except by what is lower; a retry, which may come in below
-- virtual time, leaves first and until then holds up everything else. When nothing waits, all turns were handed out
-- or taken back, and virtual time goes to the latest. It never goes back.
--
-- An order begins at ten thousand turns a second since 1970 and never gets ahead of that, so a beginning is later
-- than all turns that were given before everything was lost and are kept in rows. All turns are multiples of a
-- quarter, which such numbers hold exactly.
local function advance(ready, flows, clock)
  local stored = redis.call('HMGET', clock, 'now', 'highest')
  local now = tonumber(stored[1]) or tonumber(redis.call('TIME')[1]) * 10000
  local highest = tonumber(stored[2]) or now
  now = math.max(now, turn_at(ready, 0) or highest)
  redis.call('ZREMRANGEBYSCORE', flows, '-inf', now)
  return now, highest
end

local function store(clock, now, highest)
  redis.call('HSET', clock, 'now', now, 'highest', highest)
  redis.call('EXPIRE', clock, EXPIRY_SECONDS)
end

-- Returns the time in ms of the one clock that all processes share.
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
