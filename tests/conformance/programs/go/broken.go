package main

import "fmt"

func main() {
	sum := 1 + "2"
	fmt.Println(sum)
}
