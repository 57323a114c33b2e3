FIRST = "Ada"
