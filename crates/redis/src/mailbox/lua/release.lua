-- Ends the time of the one receiver of a mailbox, unless it is somebody else's.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
