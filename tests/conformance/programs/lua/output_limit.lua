while true do
  print("all work and no play")
end
