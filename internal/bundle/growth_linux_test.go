package bundle_test

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// Look-ups of names allocate nothing, so their growth shows in the time of the processor:
// 16 times the names take about as long as the names 16 times, and 16 times as long where
// each is compared with all. It is the time of the thread, which a busy machine does not
// change much.
func TestTimeGrowsWithNames(t *testing.T) {
	const few, many = 2000, 32000
	type input struct {
		names   []string
		doc     dotenv.Document
		request bundle.Request
		prior   bundle.Prior
		made    map[string]bundle.GeneratedEntry
	}
	of := func(count int) (in input) {
		in.names = make([]string, count)
		in.made = map[string]bundle.GeneratedEntry{}
		for i := range in.names {
			in.names[i] = fmt.Sprintf("NAME_%06d", i)
			in.made[in.names[i]] = bundle.GeneratedEntry{Generator: bundle.Generator{Bytes: 32}}
		}
		in.doc = entriesOf(typical(count))
		in.request = bundle.Request{
			Content: bundle.Wanted{Document: in.doc}, Unknown: in.names, Version: bundle.Version{Set: true, Text: "2"},
			Generated: bundle.CompareGenerated(nil, in.made, nil),
		}
		in.prior = bundle.Prior{Names: in.names, Version: bundle.Version{Set: true, Text: "1"}, ChangedAt: map[string]time.Time{}}
		for _, name := range in.names {
			in.prior.ChangedAt[name] = now
		}
		return in
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	small, large := of(few), of(many)
	for name, do := range map[string]func(input){
		"effect":            func(in input) { in.request.Effect(in.prior, nil) },
		"times":             func(in input) { bundle.Effect{NamesKnown: true, Names: in.names, Reread: in.names}.Times(in.prior) },
		"changed, unopened": func(in input) { bundle.ChangedAtUnopened(nil, in.names, in.doc, in.names, now) },
		"generated":         func(in input) { bundle.CompareGenerated(in.made, in.made, in.names) },
	} {
		fastest := func(in input, times int) time.Duration {
			var took []time.Duration
			for range 5 {
				began := threadTime(t)
				for range times {
					do(in)
				}
				took = append(took, threadTime(t)-began)
			}
			return slices.Min(took)
		}
		if a, b := fastest(small, many/few), fastest(large, 1); b > 5*a+200*time.Millisecond {
			t.Errorf("%s: %v for %d times %d names, %v for %d", name, a, many/few, few, b, many)
		}
	}
}

// threadTime is the time of the processor that the thread has used.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
