package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Go runs the go command in the caller's environment, with more variables
// over it. A code other than 0 is an error that ends with the last line it said.
func Go(ctx context.Context, dir string, variables []string, args ...string) (Result, error) {
	r, err := Run(ctx, Command(ctx, dir, append(os.Environ(), variables...), "go", args...))
	if err != nil {
		return r, err
	}
	if r.Code != 0 {
		lines := strings.Split(strings.TrimSpace(string(r.Stderr)), "\n")
		return r, fmt.Errorf("go %s ended with code %d: %s", args[0], r.Code, lines[len(lines)-1])
	}
	return r, nil
}

// Repository returns the directory of the module that the working directory is in.
func Repository(ctx context.Context) (string, error) {
	r, err := Go(ctx, "", nil, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	file := strings.TrimSpace(string(r.Stdout))
	if file == "" || file == os.DevNull {
		return "", errors.New("run this in the provider's repository")
	}
	return filepath.Dir(file), nil
}
