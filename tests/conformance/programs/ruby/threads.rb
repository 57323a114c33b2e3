threads = 50.times.map do |number|
  Thread.new do
    sleep 0.2
    number
  end
end
puts threads.map(&:value).length
