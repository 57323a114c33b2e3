local finished = 0
local threads = {}
for number = 1, 50 do
  threads[number] = coroutine.create(function()
    coroutine.yield()
    finished = finished + 1
  end)
end
for _ = 1, 2 do
  for _, thread in ipairs(threads) do
    assert(coroutine.resume(thread))
  end
end
print(finished)
