package main

import (
	"context"
	"path/filepath"

	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// simulatorProgram is built beside the provider, under the name that go build
// gives it.
const simulatorProgram = "vultrsim"

// program returns the path of one that was built.
func (d *demo) program(name string) string { return filepath.Join(d.dir, "bin", name) }

// build compiles them into the directory.
func build(ctx context.Context, root, dir string) error {
	_, err := stage.Go(ctx, root, []string{"CGO_ENABLED=0"}, "build", "-trimpath", "-o", dir+string(filepath.Separator), ".", "./internal/vultrsim/cmd/vultrsim")
	return err
}
