package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-version"
)

// oldest is the first version, of Terraform and of OpenTofu alike, that has
// write-only arguments and ephemeral resources.
var oldest = version.Must(version.NewVersion("1.11.0"))

// cliVariables name the program to use, the first that is set; the second is the
// acceptance tests' own.
var cliVariables = []string{"AGEENV_CLI", "TF_ACC_TERRAFORM_PATH"}

// cli is a Terraform or an OpenTofu in a working directory.
type cli struct {
	path string
	name string // as it calls itself, with its version
	dir  string
	env  []string
}

// findCLI returns the program that the environment names, else terraform, else
// tofu, from PATH.
func findCLI(ctx context.Context, dir string, env []string) (cli, error) {
	var candidates []string
	for _, name := range cliVariables {
		if path := os.Getenv(name); path != "" {
			candidates = []string{path}
			break
		}
	}
	if candidates == nil {
		for _, name := range []string{"terraform", "tofu"} {
			if path, err := exec.LookPath(name); err == nil {
				candidates = append(candidates, path)
			}
		}
	}
	if len(candidates) == 0 {
		return cli{}, fmt.Errorf("there is no Terraform or OpenTofu on PATH: install one, 1.11 or later, or name one in %s", cliVariables[0])
	}
	var why error
	for _, path := range candidates {
		c, err := examineCLI(ctx, path, dir, env)
		if err == nil {
			return c, nil
		}
		why = errors.Join(why, err)
	}
	return cli{}, why
}

func examineCLI(ctx context.Context, path, dir string, env []string) (cli, error) {
	path, err := filepath.Abs(path) // it is run in another directory
	if err != nil {
		return cli{}, err
	}
	c := cli{path: path, dir: dir, env: env}
	r, err := c.run(ctx, "version", "-json")
	if err != nil {
		return cli{}, err
	}
	var answer struct {
		Version string `json:"terraform_version"` // OpenTofu calls it so too
	}
	_ = json.Unmarshal(r.stdout, &answer) // what is no JSON has no version either
	v, err := version.NewVersion(answer.Version)
	switch {
	case r.code != 0 || err != nil:
		return cli{}, fmt.Errorf("%s does not tell its version as Terraform and OpenTofu do", path)
	case v.Core().LessThan(oldest):
		return cli{}, fmt.Errorf("%s is version %s, and write-only arguments need 1.11 or later", path, v)
	}
	plain, err := c.run(ctx, "version")
	if err != nil {
		return cli{}, err
	}
	c.name, _, _ = strings.Cut(string(plain.stdout), "\n")
	return c, nil
}

// run runs a subcommand, whatever code it ends with.
func (c cli) run(ctx context.Context, args ...string) (result, error) {
	return runCommand(ctx, newCommand(ctx, c.dir, c.env, c.path, args...))
}

// cliFault is a subcommand that failed.
type cliFault struct {
	command string
	code    int
	said    string // everything, to show
}

// Error has the headline of what went wrong, if there is one.
func (f *cliFault) Error() string {
	for line := range strings.SplitSeq(f.said, "\n") {
		// OpenTofu and Terraform draw a frame around it even without colours.
		line = strings.TrimLeft(line, " │╷")
		if headline, ok := strings.CutPrefix(line, "Error: "); ok {
			return fmt.Sprintf("%s ended with code %d: %s", f.command, f.code, headline)
		}
	}
	return fmt.Sprintf("%s ended with code %d", f.command, f.code)
}

// terraform runs a subcommand whose output is kept for the search for leaks, and
// takes every code but those given as its failure.
func (d *demo) terraform(ctx context.Context, expected []int, args ...string) (result, error) {
	r, err := d.cli.run(ctx, args...)
	if err != nil {
		return r, err
	}
	d.outputs++
	name := fmt.Sprintf("output-%02d-%s.txt", d.outputs, args[0])
	if err := os.WriteFile(filepath.Join(d.cli.dir, name), append(r.stdout, r.stderr...), 0o600); err != nil {
		return r, err
	}
	for _, code := range expected {
		if r.code == code {
			return r, nil
		}
	}
	return r, &cliFault{command: filepath.Base(d.cli.path) + " " + args[0], code: r.code, said: string(r.stderr)}
}
