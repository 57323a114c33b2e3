local hoard = {}
while true do
  hoard[#hoard + 1] = string.rep("x", 100000) .. #hoard
end
