local function fail()
  error("the flux is low")
end

fail()
