package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

func main() {
	größe := "Grüße, 世界 🦀"
	fmt.Println(größe)
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	reversed := ""
	for _, letter := range strings.TrimSpace(line) {
		reversed = string(letter) + reversed
	}
	fmt.Println(reversed)
}
