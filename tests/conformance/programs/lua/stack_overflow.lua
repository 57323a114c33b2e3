local function dig(depth)
  return dig(depth + 1) + 1
end

dig(0)
