// Command demo shows the provider at work, from terraform apply to a box's first
// boot, on this machine alone: `make demo`, or `make demo ENV=path` with a .env
// of your own.
//
// The map:
//
//   - main.go, demo.go: a run, its surroundings, and its clean-up
//   - steps.go, firstboot.go, rotation.go, search.go: what is done
//   - input.go, sample.go: the .env that goes in; testdata has the sample, whose
//     secrets are drawn in each run
//   - build.go, cli.go, state.go: the provider, Terraform or OpenTofu, its state
//   - simulator.go: the Vultr account
//   - box.go: a directory that plays a new machine
//   - bundle.go: the encrypted file, opened by sops and by this repository
//   - leaks.go: finding secrets in files, in whatever form
//
// Programs, the CLI and the report are test/stage's.
//
// Everything is made in one private directory, which is removed when the run
// ends, also if it fails or is interrupted. Nothing of the user's is read but the
// .env that was named, and nothing leaves the machine. A user's own values go, as
// on the way to a real box, encrypted into the startup script that the simulator
// keeps in memory: it listens on loopback, and gives a script to whoever knows its
// random ID.
//
// From the environment: AGEENV_DEMO_ENV, the path of the user's .env; AGEENV_CLI,
// else TF_ACC_TERRAFORM_PATH, the Terraform or OpenTofu to use, else terraform or
// tofu from PATH; AGEENV_TEST_SOPS, a sops to try the result with, else the one on
// PATH. It needs Linux, Go, and python3 or age.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
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
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "demo: takes no arguments; make demo ENV=path, or AGEENV_DEMO_ENV, is for your own .env")
		return exitUsage
	}
	if runtime.GOOS != "linux" {
		fmt.Fprintln(os.Stderr, "demo: needs Linux: it runs a startup script that is for Linux")
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

	err := run(ctx, options{env: os.Getenv("AGEENV_DEMO_ENV"), out: os.Stdout}, steps)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(os.Stderr, "demo: stopped:", err)
		return exitInterrupted
	}
	fmt.Fprintln(os.Stderr, "demo: failed:", err)
	return exitFailed
}
