-- The keys are named here, not by the caller, because only the set knows the languages; all have one hash tag.
local languages = KEYS[1]
local prefix = ARGV[1]

local depth = 0
for _, language in ipairs(redis.call('SMEMBERS', languages)) do
  depth = depth + redis.call('ZCARD', prefix .. 'ready:' .. language)
  depth = depth + redis.call('ZCARD', prefix .. 'delayed:' .. language)
end
return depth
