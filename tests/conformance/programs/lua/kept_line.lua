io.write("before the loop\n")
while true do
end
