package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// terraform runs a subcommand whose output is kept for the search for leaks, and
// takes every code but those given as its failure.
func (d *demo) terraform(ctx context.Context, expected []int, args ...string) (stage.Result, error) {
	r, err := d.cli.Run(ctx, args...)
	if err != nil {
		return r, err
	}
	d.outputs++
	name := fmt.Sprintf("output-%02d-%s.txt", d.outputs, args[0])
	if err := os.WriteFile(filepath.Join(d.cli.Dir, name), append(r.Stdout, r.Stderr...), 0o600); err != nil {
		return r, err
	}
	for _, code := range expected {
		if r.Code == code {
			return r, nil
		}
	}
	return r, &stage.Fault{Command: filepath.Base(d.cli.Path) + " " + args[0], Code: r.Code, Said: string(r.Stderr)}
}
