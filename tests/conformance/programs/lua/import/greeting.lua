local greeting = {}

function greeting.greet(name)
  return "Hello, " .. name .. "!"
end

return greeting
