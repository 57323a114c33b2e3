def dig(depth)
  dig(depth + 1) + 1
end

dig(0)
