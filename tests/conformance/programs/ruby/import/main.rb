require_relative "greeting"
require_relative "people/names"

puts greet(FIRST)
