package main

func dig(depth int) int {
	return dig(depth+1) + 1
}

func main() {
	println(dig(0))
}
