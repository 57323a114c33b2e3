package main

func fail() {
	panic("the flux is low")
}

func main() {
	fail()
}
