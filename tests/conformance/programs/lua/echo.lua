for _, argument in ipairs(arg) do
  print(argument)
end
for line in io.lines() do
  print(line)
end
