-- Fails where the server takes no more entries, such as one that is full: the depth alone could still be read, and
-- nobody would learn from it that nothing comes in any more.
redis.call('SET', ARGV[1] .. 'writable', 1, 'EX', 60)

