package main

func main() {
	var hoard [][]int
	for {
		hoard = append(hoard, make([]int, 100000))
		for i := range hoard[len(hoard)-1] {
			hoard[len(hoard)-1][i] = i
		}
	}
}
