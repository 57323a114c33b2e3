def fail():
    raise ValueError("the flux is low")


fail()
