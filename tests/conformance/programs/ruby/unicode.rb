größe = "Grüße, 世界 🦀"
puts größe
puts gets.chomp.reverse
