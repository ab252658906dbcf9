package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string // empty for what concerns the whole package
	Output  string
	Elapsed float64 // seconds; with pass, skip and fail
}

// skip is a test that was skipped.
type skip struct {
	pkg, test string
	output    string // what the test said, the reason among it
}

// id is how the list of allowed skips names a test.
func (s skip) id() string { return s.pkg + "." + s.test }

// timing is how long a test took that is no subtest. Its time includes what its
// parallel subtests waited for others.
type timing struct {
	pkg, test string
	seconds   float64
}

// result is what a run of go test came to. Tests with subtests count as tests.
type result struct {
	passed, failed int
	skips          []skip
	timings        []timing
}

// slowest returns the n tests that took longest, the longest first.
func (res result) slowest(n int) []timing {
	sorted := slices.SortedStableFunc(slices.Values(res.timings), func(a, b timing) int { return cmp.Compare(b.seconds, a.seconds) })
	return sorted[:min(n, len(sorted))]
}

// replay reads events from r and writes to w what go test without -v and -json
// would have written: a line for each package, and the output of tests that
// failed. Lines that are not events (go's own messages) are passed on.
func replay(r io.Reader, w io.Writer) (result, error) {
	var res result
	output := map[[2]string]*strings.Builder{} // package and test: what it has said so far
	lines := bufio.NewReader(r)                // not a Scanner: a line may have any length
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil || e.Action == "" {
				_, _ = w.Write(line)
			} else {
				res.add(e, output, w)
			}
		}
		if errors.Is(err, io.EOF) {
			return res, nil
		}
		if err != nil {
			return res, fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}

// add takes in one event.
func (res *result) add(e event, output map[[2]string]*strings.Builder, w io.Writer) {
	key := [2]string{e.Package, e.Test}
	take := func(key [2]string) string {
		defer delete(output, key)
		if said := output[key]; said != nil {
			return said.String()
		}
		return ""
	}
	if (e.Action == "pass" || e.Action == "fail") && e.Test != "" && !strings.Contains(e.Test, "/") {
		res.timings = append(res.timings, timing{pkg: e.Package, test: e.Test, seconds: e.Elapsed})
	}
	switch {
	case e.Action == "build-output":
		_, _ = io.WriteString(w, e.Output)
	case e.Action == "output" && e.Test == "":
		if e.Output != "PASS\n" { // go test without -v says so only through its ok line
			_, _ = io.WriteString(w, e.Output)
		}
	case e.Action == "output":
		if isProgress(e.Output) {
			return
		}
		if output[key] == nil {
			output[key] = &strings.Builder{}
		}
		output[key].WriteString(e.Output)
	case e.Action == "pass" && e.Test != "":
		res.passed++
		take(key)
	case e.Action == "skip" && e.Test != "":
		res.skips = append(res.skips, skip{pkg: e.Package, test: e.Test, output: take(key)})
	case e.Action == "fail" && e.Test != "":
		res.failed++
		_, _ = io.WriteString(w, take(key))
	case e.Action == "fail":
		// A panic or a timeout ends a package before its tests have reported.
		var left [][2]string
		for key := range output {
			if key[0] == e.Package {
				left = append(left, key)
			}
		}
		slices.SortFunc(left, func(a, b [2]string) int { return strings.Compare(a[1], b[1]) })
		for _, key := range left {
			_, _ = io.WriteString(w, take(key))
		}
	}
}

// isProgress reports whether a line only tells that a test starts or waits.
func isProgress(line string) bool {
	for _, prefix := range []string{"=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
