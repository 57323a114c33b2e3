local text = "Grüße, 世界 🦀"
print(text)
local reversed = ""
for _, code in utf8.codes(io.read("l")) do
  reversed = utf8.char(code) .. reversed
end
print(reversed)
