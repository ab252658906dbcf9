package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-version"
)

// oldest is the first version, of Terraform and of OpenTofu alike, that has
// write-only arguments and ephemeral resources.
var oldest = version.Must(version.NewVersion("1.11.0"))

// CLIVariables name the program to use, the first that is set; the second is the
// acceptance tests' own.
var CLIVariables = []string{"AGEENV_CLI", "TF_ACC_TERRAFORM_PATH"}

// CLI is a Terraform or an OpenTofu in a working directory.
type CLI struct {
	Path string
	Name string // as it calls itself, with its version
	Dir  string
	Env  []string
}

// FindCLI returns the program that the environment names, else terraform, else
// tofu, from PATH.
func FindCLI(ctx context.Context, dir string, env []string) (CLI, error) {
	var candidates []string
	for _, name := range CLIVariables {
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
		return CLI{}, fmt.Errorf("there is no Terraform or OpenTofu on PATH: install one, 1.11 or later, or name one in %s", CLIVariables[0])
	}
	var why error
	for _, path := range candidates {
		c, err := examineCLI(ctx, path, dir, env)
		if err == nil {
			return c, nil
		}
		why = errors.Join(why, err)
	}
	return CLI{}, why
}

func examineCLI(ctx context.Context, path, dir string, env []string) (CLI, error) {
	path, err := filepath.Abs(path) // it is run in another directory
	if err != nil {
		return CLI{}, err
	}
	c := CLI{Path: path, Dir: dir, Env: env}
	r, err := c.Run(ctx, "version", "-json")
	if err != nil {
		return CLI{}, err
	}
	var answer struct {
		Version string `json:"terraform_version"` // OpenTofu calls it so too
	}
	_ = json.Unmarshal(r.Stdout, &answer) // what is no JSON has no version either
	v, err := version.NewVersion(answer.Version)
	switch {
	case r.Code != 0 || err != nil:
		return CLI{}, fmt.Errorf("%s does not tell its version as Terraform and OpenTofu do", path)
	case v.Core().LessThan(oldest):
		return CLI{}, fmt.Errorf("%s is version %s, and write-only arguments need 1.11 or later", path, v)
	}
	plain, err := c.Run(ctx, "version")
	if err != nil {
		return CLI{}, err
	}
	c.Name, _, _ = strings.Cut(string(plain.Stdout), "\n")
	return c, nil
}

// Run runs a subcommand, whatever code it ends with.
func (c CLI) Run(ctx context.Context, args ...string) (Result, error) {
	return Run(ctx, Command(ctx, c.Dir, c.Env, c.Path, args...))
}

// Fault is a subcommand that failed.
type Fault struct {
	Command string
	Code    int
	Said    string // everything, to show
}

// Error has the headline of what went wrong, if there is one.
func (f *Fault) Error() string {
	for line := range strings.SplitSeq(f.Said, "\n") {
		// OpenTofu and Terraform draw a frame around it even without colours.
		line = strings.TrimLeft(line, " │╷")
		if headline, ok := strings.CutPrefix(line, "Error: "); ok {
			return fmt.Sprintf("%s ended with code %d: %s", f.Command, f.Code, headline)
		}
	}
	return fmt.Sprintf("%s ended with code %d", f.Command, f.Code)
}

// ConfigName is the CLI's configuration file, in the home that QuietEnvironment gives.
const ConfigName = "cli.tfrc"

// QuietEnvironment has nothing of the user's but PATH; home has to have a ConfigName.
func QuietEnvironment(home, tmp string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + tmp,
		"TF_CLI_CONFIG_FILE=" + filepath.Join(home, ConfigName), "CHECKPOINT_DISABLE=1",
		"TF_INPUT=0", "TF_IN_AUTOMATION=1",
	}
}

// Overrides is a CLI configuration that has Terraform and OpenTofu, which look in
// registries of their own, take the provider from the directory where it was built,
// without an init.
func Overrides(bin string) string {
	quoted := strconv.Quote(bin)
	return "provider_installation {\n  dev_overrides {\n" +
		"    \"registry.terraform.io/ageenv/ageenv\" = " + quoted + "\n" +
		"    \"registry.opentofu.org/ageenv/ageenv\" = " + quoted + "\n" +
		"  }\n  direct {}\n}\n"
}
