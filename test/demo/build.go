package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// goCommand runs the go command in the caller's environment, with more variables
// over it. A code other than 0 is an error that ends with the last line it said.
func goCommand(ctx context.Context, dir string, variables []string, args ...string) (result, error) {
	r, err := runCommand(ctx, newCommand(ctx, dir, append(os.Environ(), variables...), "go", args...))
	if err != nil {
		return r, err
	}
	if r.code != 0 {
		lines := strings.Split(strings.TrimSpace(string(r.stderr)), "\n")
		return r, fmt.Errorf("go %s ended with code %d: %s", args[0], r.code, lines[len(lines)-1])
	}
	return r, nil
}

// repository returns the directory of the module that the working directory is in.
func repository(ctx context.Context) (string, error) {
	r, err := goCommand(ctx, "", nil, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	file := strings.TrimSpace(string(r.stdout))
	if file == "" || file == os.DevNull {
		return "", errors.New("run the demo in the provider's repository")
	}
	return filepath.Dir(file), nil
}

// simulatorProgram is built beside the provider, under the name that go build
// gives it.
const simulatorProgram = "vultrsim"

// program returns the path of one that was built.
func (d *demo) program(name string) string { return filepath.Join(d.dir, "bin", name) }

// build compiles them into the directory.
func build(ctx context.Context, root, dir string) error {
	_, err := goCommand(ctx, root, []string{"CGO_ENABLED=0"}, "build", "-trimpath", "-o", dir+string(filepath.Separator), ".", "./internal/vultrsim/cmd/vultrsim")
	return err
}
