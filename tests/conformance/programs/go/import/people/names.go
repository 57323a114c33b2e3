package people

const First = "Ada"
