ARGV.each { |argument| puts argument }
$stdin.each_line { |line| print line }
