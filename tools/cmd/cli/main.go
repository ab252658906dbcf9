// Command cli finds a Terraform or OpenTofu that can run this provider, for
// the tests and the demo, and prints its path.
//
// The first that is usable wins:
//
//  1. the file that the environment variable AGEENV_CLI names; if that one is
//     not usable nothing else is tried, because it was asked for by name
//  2. terraform, then tofu, on PATH
//  3. what an earlier run of this command put under build/cli
//  4. the latest Terraform, downloaded and verified by hc-install
//  5. OpenTofu, built from its Go module: needs the module proxy only
//
// Usable means that it answers the version command and is at least as new as
// [oldest]. What was tried and why it was passed over goes to standard error.
//
//   - main.go: the command
//   - find.go, probe.go: looking for a program, and at it
//   - obtain.go: downloading or building one
//   - env.go: the environment for tests
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cli:", err)
		os.Exit(1)
	}
}

// run is main with its surroundings as arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("cli", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the repository's `directory`")
	asKind := flags.Bool("kind", false, "print terraform or opentofu instead of the path")
	asEnv := flags.Bool("env", false, "print what tests need in their environment, as NAME='value' lines for a shell")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *asKind && *asEnv {
		return fmt.Errorf("takes -root and one of -kind and -env, and no other argument")
	}
	dir, err := filepath.Abs(filepath.Join(*root, "build", "cli"))
	if err != nil {
		return err
	}

	found, err := finder{
		explicit: os.Getenv("AGEENV_CLI"),
		lookPath: exec.LookPath,
		dir:      dir,
		fetch:    fetchTerraform,
		build:    func(ctx context.Context) (string, error) { return buildOpenTofu(ctx, *root, stderr) },
		log:      stderr,
	}.find(ctx)
	if err != nil {
		return err
	}

	switch {
	case *asKind:
		_, err = fmt.Fprintln(stdout, found.kind)
	case *asEnv:
		err = writeEnv(stdout, found, dir)
	default:
		_, err = fmt.Fprintln(stdout, found.path)
	}
	return err
}
