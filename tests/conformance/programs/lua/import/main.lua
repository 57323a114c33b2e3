local greeting = require("greeting")
local names = require("people.names")

print(greeting.greet(names.first))
