// Command bench measures the provider next to other programs in one run, and prints a
// table with ratios: the codec against the sops library and the sops and age commands,
// whole runs of Terraform against a provider that does nothing, and start and size.
//
//	.ci/with-cli go -C test/bench run . [-quick] [-out FILE]
//
// -quick takes less than three minutes. It fails on counts (allocations, bytes, calls,
// bytes of state) that are over limits.json, and on growth, but never on time: the machine
// may be busy. PEER_SOPS and PEER_AGE name the binaries of terraform-provider-sops and
// terraform-provider-age, and PEER_BEFORE an older build of this provider.
//
//   - main.go: the command
//   - result.go, limits.go: rows, ratios, growth, and the limits of counts
//   - codec.go, library.go, library_none.go: encrypting and decrypting, and the sops library
//   - commands.go, process.go: whole processes, and what they used
//   - floors.go, terraform.go: runs of Terraform, next to a provider that does nothing
//   - resources.go: keys, scripts, files of sops, and other providers
//   - start.go: start and size
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// bench is where a run finds what it measures.
type bench struct {
	quick   bool
	before  string            // an older build of the provider, or none
	bundles string            // numbers, with commas between them
	root    string            // of the repository
	work    string            // a directory for configurations and states
	bin     string            // what was built
	tools   map[string]string // sops and age
	cli     string            // Terraform or OpenTofu
}

func main() {
	quick := flag.Bool("quick", false, "few cases, and limits on counts")
	out := flag.String("out", "build/bench.json", "the `file` that the report is written to, below the repository's root")
	only := flag.String("only", "", "one part: codec, floors, resources, entries, start")
	bundles := flag.String("bundles", "100,1000,5000", "how many bundles, without -quick")
	update := flag.Bool("update", false, "with -quick: write limits.json, a tenth over what is counted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, bench{quick: *quick, bundles: *bundles}, *update, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, b bench, update bool, out, only string) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(b.work) //nolint:errcheck // a temporary directory
	r := newReport(os.Stdout, b.quick)
	b.before = r.peer(b, "PEER_BEFORE", "an older build")
	version, err := output(ctx, b.cli, "version")
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(version, "\n")
	r.Machine += ", " + first
	for _, part := range []struct {
		name string
		do   func(context.Context, *Report, bench) error
	}{{"codec", codec}, {"start", start}, {"floors", floors}, {"resources", resources}, {"entries", entries}} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.do(ctx, r, b); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	limits := filepath.Join(b.root, "test/bench/limits.json")
	switch {
	case !b.quick || only != "": // other sizes, or not all counts
	case update:
		if err := r.writeLimits(limits); err != nil {
			return err
		}
	default:
		known, err := readLimits(limits)
		if err != nil {
			return err
		}
		r.checkLimits(known)
	}
	return r.finish(filepath.Join(b.root, out))
}

// prepare builds what is measured.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.cli = os.Getenv("AGEENV_CLI"); b.cli == "" {
		return errors.New("AGEENV_CLI names no Terraform or OpenTofu: run this through .ci/with-cli, as make bench does")
	}
	module, err := output(ctx, "go", "env", "GOMOD")
	if err != nil {
		return err
	}
	b.root = filepath.Dir(filepath.Dir(filepath.Dir(module)))
	if b.work, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	b.bin, b.tools = filepath.Join(b.work, "bin"), map[string]string{}
	for name, from := range map[string]struct{ dir, pkg string }{
		"terraform-provider-ageenv": {b.root, "."},
		"codec":                     {".", "./cmd/codec"},
		"floor":                     {".", "./cmd/floor"},
		"measured":                  {".", "./cmd/measured"},
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(b.bin, name), from.pkg)
		cmd.Dir, cmd.Env = from.dir, append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", name, err, said)
		}
	}
	if b.quick {
		return nil
	}
	for _, name := range []string{"sops", "age"} {
		if b.tools[name], err = output(ctx, filepath.Join(b.root, ".ci/tool"), name); err != nil {
			return err
		}
	}
	return nil
}

// provider is the binary of this provider that is measured.
func (b bench) provider() string { return filepath.Join(b.bin, "terraform-provider-ageenv") }

// output runs a program and returns what it prints.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
