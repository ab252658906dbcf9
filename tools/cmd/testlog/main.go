// Command testlog reads the output of `go test -json` on standard input, prints
// what `go test` would have printed, and fails if a test was skipped that may
// not be.
//
// A test that skips looks like one that passes: on a machine that lacks a
// program the whole of it could be skipped and the result still say ok. With
//
//	go test -json ./... | testlog -allow FILE -run LABEL
//
// only the skips that FILE allows for the run LABEL are accepted; see
// [parseAllowed] for its format. A run without a single test fails too.
// With -slowest N it ends with the N tests that took longest.
// Failing tests are shown, but the exit status for them is go test's own: use
// pipefail.
//
//   - main.go: the command
//   - replay.go: what go test would have printed
//   - allowed.go: the list of allowed skips
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
}

// run is main with its surroundings as arguments.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("testlog", flag.ContinueOnError)
	flags.SetOutput(stderr)
	allowFile := flags.String("allow", "", "the `file` that lists the skips that are accepted")
	label := flags.String("run", "", "the `label` of this run, for the list")
	slowest := flags.Int("slowest", 0, "how many of the slowest tests are listed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var allowed []allowedSkip
	if *allowFile != "" {
		text, err := os.ReadFile(*allowFile)
		if err != nil {
			return err
		}
		if allowed, err = parseAllowed(bytes.NewReader(text)); err != nil {
			return fmt.Errorf("%s: %w", *allowFile, err)
		}
	}

	result, err := replay(stdin, stdout)
	if err != nil {
		return err
	}
	refused := 0
	for _, s := range result.skips {
		reason, ok := reasonFor(allowed, *label, s.id())
		if ok {
			_, _ = fmt.Fprintf(stdout, "skipped, as allowed: %s (%s)\n", s.id(), reason)
			continue
		}
		refused++
		_, _ = fmt.Fprintf(stdout, "SKIPPED: %s\n%s", s.id(), s.output)
	}
	for _, timing := range result.slowest(*slowest) {
		_, _ = fmt.Fprintf(stdout, "%7.1f s %s.%s\n", timing.seconds, timing.pkg, timing.test)
	}
	_, _ = fmt.Fprintf(stdout, "%d tests passed, %d failed, %d skipped\n", result.passed, result.failed, len(result.skips))
	switch {
	case refused > 0:
		return fmt.Errorf("%d tests were skipped that must run here; give them what they lack, or allow it in %q", refused, *allowFile)
	case result.passed+result.failed == 0:
		return fmt.Errorf("no test ran")
	}
	return nil
}
