package main

import (
	"fmt"

	"example.com/hello/people"
)

func main() {
	fmt.Println(greet(people.First))
}
