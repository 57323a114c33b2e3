def fail!
  raise ArgumentError, "the flux is low"
end

fail!
