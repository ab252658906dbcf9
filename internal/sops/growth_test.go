package sops_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// mostTimes is how many times as long as an ordinary file a hostile one may take. INI takes
// the longest: its parser's time grows with the square of the size, up to sops.MaxINI.
const mostTimes = 30

// timeOf returns how long a call takes. Other work on the machine lengthens it.
func timeOf(read func()) time.Duration {
	start := time.Now()
	read()
	return time.Since(start)
}

// ordinaryTime is how long it takes to read a YAML file of the largest size whose values are
// all short. It is the shortest of three times.
var ordinaryTime = sync.OnceValue(func() time.Duration {
	text := filled((sops.MaxTree-4096)/raceFactor, func(i int) string { return fmt.Sprintf("k%d: 0\n", i) })
	text += "\nsops:\n    mac: x\n    lastmodified: \"2026-01-02T03:04:05Z\"\n    version: 3.13.3\n"
	shortest := time.Hour
	for range 3 {
		shortest = min(shortest, timeOf(func() { _, _ = sops.Decrypt(text, nil, sops.Options{}) }))
	}
	return shortest
})

// checkTime fails if a call takes more than mostTimes as long as reading an ordinary file.
// The ratio does not depend on the machine. Other work can lengthen one measurement: a call
// that seems slow is measured again.
func checkTime(t *testing.T, took time.Duration, again func()) {
	t.Helper()
	for try := 0; took > mostTimes*ordinaryTime(); try++ {
		if try == 5 {
			t.Errorf("it took %v, and an ordinary file %v", took, ordinaryTime())
			return
		}
		took = min(took, timeOf(again))
	}
}
