puts "before the loop"
loop {}
