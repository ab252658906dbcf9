package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
)

// oldest is the first version with write-only arguments, of Terraform and of
// OpenTofu alike.
var oldest = version.Must(version.NewVersion("1.11.0"))

// probeTimeout bounds one run of the version command, which takes well under a
// second; a shim that waits for an answer or a network must not hang the tests.
const probeTimeout = 20 * time.Second

// kind tells the two programs apart; they find their providers under different
// host names.
type kind string

const (
	terraform kind = "terraform"
	openTofu  kind = "opentofu"
)

// cli is a program that was found.
type cli struct {
	path    string
	kind    kind
	version *version.Version
}

// String is for messages: "terraform 1.15.0 at /usr/bin/terraform".
func (c cli) String() string { return fmt.Sprintf("%s %s at %s", c.kind, c.version, c.path) }

// errTooOld is what probe returns for a program that works but is older than
// [oldest].
var errTooOld = errors.New("too old")

// probe runs the program at path and returns what it is. It fails if the
// program cannot be run, does not answer as Terraform or OpenTofu do, or is
// too old (then the error is errTooOld).
func probe(ctx context.Context, path string) (cli, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	path, err := filepath.Abs(path)
	if err != nil {
		return cli{}, err
	}
	// Elsewhere it would list the providers of a configuration that happens to lie there.
	empty, err := os.MkdirTemp("", "cli-probe-")
	if err != nil {
		return cli{}, err
	}
	defer func() { _ = os.RemoveAll(empty) }()
	config := filepath.Join(empty, "empty.tfrc")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		return cli{}, err
	}
	ask := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Dir = empty
		cmd.Env = probeEnv(os.Environ(), config)
		cmd.WaitDelay = time.Second // a shim's child may keep the output open after the shim was killed
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			if ctx.Err() != nil {
				err = fmt.Errorf("no answer within %s", probeTimeout)
			}
			return "", fmt.Errorf("%s: %w%s", strings.Join(args, " "), err, firstLine(stderr.String()))
		}
		return stdout.String(), nil
	}

	// The JSON has the version but, the same keys in both programs, not the name: that is in the text only.
	answer, err := ask("version", "-json")
	if err != nil {
		return cli{}, err
	}
	v, err := parseVersion(answer)
	if err != nil {
		return cli{}, err
	}
	answer, err = ask("version")
	if err != nil {
		return cli{}, err
	}
	k, err := parseKind(answer)
	if err != nil {
		return cli{}, err
	}
	found := cli{path: path, kind: k, version: v}
	if v.LessThan(oldest) {
		return found, fmt.Errorf("%s: %w, needs %s or later", found, errTooOld, oldest)
	}
	return found, nil
}

// probeEnv returns environ without anything that changes how Terraform runs
// (arguments from TF_CLI_ARGS, a log, a configuration file that is not there)
// and with an empty configuration file and no check for updates.
func probeEnv(environ []string, config string) []string {
	var env []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, "TF_") {
			env = append(env, entry)
		}
	}
	return append(env, "TF_CLI_CONFIG_FILE="+config, "CHECKPOINT_DISABLE=1")
}

// parseVersion reads the output of `version -json`.
func parseVersion(output string) (*version.Version, error) {
	var answer struct {
		Version string `json:"terraform_version"` // OpenTofu's too
	}
	if err := json.Unmarshal([]byte(output), &answer); err != nil {
		return nil, errors.New("version -json: the answer is not JSON; is this Terraform or OpenTofu?")
	}
	if answer.Version == "" {
		return nil, errors.New("version -json: the answer has no terraform_version")
	}
	v, err := version.NewSemver(answer.Version)
	if err != nil {
		return nil, fmt.Errorf("version -json: terraform_version %q is not a version", answer.Version)
	}
	return v, nil
}

// parseKind reads the first line of the output of `version`.
func parseKind(output string) (kind, error) {
	switch name, _, _ := strings.Cut(output, " v"); name {
	case "Terraform":
		return terraform, nil
	case "OpenTofu":
		return openTofu, nil
	}
	return "", errors.New("version: the answer begins with neither Terraform nor OpenTofu")
}

// firstLine returns what a failed program said first, in parentheses, or
// nothing.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return ""
	}
	return " (" + line + ")"
}
