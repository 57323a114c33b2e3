package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	var finished int64
	var group sync.WaitGroup
	for i := 0; i < 50; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			time.Sleep(200 * time.Millisecond)
			atomic.AddInt64(&finished, 1)
		}()
	}
	group.Wait()
	fmt.Println(finished)
}
