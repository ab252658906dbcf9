// Command drill rehearses incidents on this machine alone: `make drill`. A fleet of
// fifty services, with a bundle and a startup script each, is made with a real
// Terraform or OpenTofu on the simulator of Vultr's API, and then
//
//   - the fleet's key leaks (keyleak.go),
//   - an operator's identity leaks (operatorleak.go),
//   - the Vultr API key leaks (apileak.go).
//
// Each is answered as docs/guides/incident-response.md says, measured from the command
// on, and judged by what the one who has the leaked thing can still open. After each,
// every value that could be read and has not changed since is listed, and the incident
// is not over while that list is not empty: the drill changes the values too, all but
// one first, to see that the list tells it.
//
//   - main.go: the command
//   - drill.go: a run, its surroundings and its clean-up
//   - fleet.go: the configuration, the values, and what the state has of them
//   - apply.go: running the CLI, and when it did what
//   - values.go: what could be read and has not changed
//
// No cloud is asked and nothing of the user's is read. The figures are of this machine
// and a simulator that answers at once, held to the provider's default of 20 requests a
// second: a real account is slower, boxes excluded, which the drill has none of.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes. 130 is what shells give for a program that SIGINT ended.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() { os.Exit(exitCode()) }

func exitCode() int {
	services := flag.Int("services", 50, "how many services the fleet has, 2 to 500")
	flag.Parse()
	if flag.NArg() > 0 || *services < 2 || *services > 500 {
		flag.Usage()
		return exitUsage
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	// SIGPIPE: a reader that goes away (`| head`) must not keep the clean-up from being done.
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	go func() {
		<-signals
		cancel(errInterrupted)
	}()
	err := run(ctx, options{services: *services, out: os.Stdout}, steps)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(os.Stderr, "drill: stopped:", err)
		return exitInterrupted
	}
	fmt.Fprintln(os.Stderr, "drill: failed:", err)
	return exitFailed
}
