return { first = "Ada" }
