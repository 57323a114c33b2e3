loop { puts "all work and no play" }
