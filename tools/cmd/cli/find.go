package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hc-install/product"
)

// finder looks for a usable program; see the package comment for the order.
type finder struct {
	explicit string                                                // the program asked for by name, or empty
	lookPath func(name string) (string, error)                     // exec.LookPath
	dir      string                                                // where earlier finds are kept
	fetch    func(ctx context.Context, dir string) (string, error) // downloads a Terraform into dir, returns its path
	build    func(ctx context.Context) (string, error)             // builds an OpenTofu, returns its path
	log      io.Writer
}

// fetchedDir is where under finder.dir a downloaded Terraform is put.
const fetchedDir = "fetched"

// find returns the first usable program, or an error that tells what to do.
func (f finder) find(ctx context.Context) (cli, error) {
	if f.explicit != "" {
		found, err := probe(ctx, f.explicit)
		if err != nil {
			return cli{}, fmt.Errorf("AGEENV_CLI names %s, which is not usable: %w; unset it to have one found", f.explicit, err)
		}
		f.say("AGEENV_CLI names %s", found)
		return found, nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		path, err := f.lookPath(name)
		if errors.Is(err, exec.ErrNotFound) {
			f.say("no %s on PATH", name)
			continue
		}
		if err != nil {
			f.say("%s on PATH: %v", name, err)
			continue
		}
		if found, ok := f.try(ctx, path, "found"); ok {
			return found, nil
		}
	}
	for _, path := range f.kept() {
		if found, ok := f.try(ctx, path, "found from earlier"); ok {
			return found, nil
		}
	}

	f.say("downloading the latest Terraform")
	path, fetchErr := f.fetch(ctx, filepath.Join(f.dir, fetchedDir))
	if fetchErr == nil {
		if found, ok := f.try(ctx, path, "downloaded"); ok {
			return found, nil
		}
		fetchErr = errors.New("what was downloaded is not usable")
	}
	if ctx.Err() != nil {
		return cli{}, ctx.Err()
	}
	f.say("cannot download: %v", fetchErr)

	f.say("building OpenTofu from its Go module; this takes minutes the first time")
	path, buildErr := f.build(ctx)
	if buildErr == nil {
		if found, ok := f.try(ctx, path, "built"); ok {
			return found, nil
		}
		buildErr = errors.New("what was built is not usable")
	}
	return cli{}, fmt.Errorf(
		"no Terraform or OpenTofu %s or later: none on PATH; download: %w; build: %w; install one, or name it in AGEENV_CLI",
		oldest, fetchErr, buildErr)
}

// try probes path and says what came of it.
func (f finder) try(ctx context.Context, path, how string) (cli, bool) {
	found, err := probe(ctx, path)
	switch {
	case errors.Is(err, errTooOld): // names the program already
		f.say("passing over %v", err)
	case err != nil:
		f.say("passing over %s: %v", path, err)
	default:
		f.say("%s %s", how, found)
	}
	return found, err == nil
}

// kept returns the programs that earlier runs downloaded or built, a
// downloaded Terraform first. Terraforms that were built are not among them:
// those are there to test particular versions, and which of them happens to
// be there must not decide what the tests run with.
func (f finder) kept() []string {
	paths, err := filepath.Glob(filepath.Join(f.dir, "tofu-*", "tofu"))
	if err != nil {
		paths = nil // only for a malformed pattern: a directory with a bracket in its name
	}
	slices.Sort(paths)
	slices.Reverse(paths)
	fetched := filepath.Join(f.dir, fetchedDir, product.Terraform.BinaryName())
	if _, err := os.Stat(fetched); err == nil {
		paths = slices.Insert(paths, 0, fetched)
	}
	return paths
}

func (f finder) say(format string, args ...any) {
	_, _ = fmt.Fprintf(f.log, "cli: "+format+"\n", args...)
}
