-- Puts a message into a mailbox, and returns what came of it.
--
-- waiting   list of the ids of messages that wait
-- message   the message itself
-- receiver  who receives alone
local waiting, message, receiver = KEYS[1], KEYS[2], KEYS[3]
local id, body, most, milliseconds, needs_receiver = unpack(ARGV)

if needs_receiver == '1' and redis.call('EXISTS', receiver) == 0 then
  return 'nobody'
end
if redis.call('LLEN', waiting) >= tonumber(most) then
  return 'full'
end
redis.call('SET', message, body, 'PX', milliseconds)
redis.call('RPUSH', waiting, id)
redis.call('PEXPIRE', waiting, milliseconds)
return 'sent'
