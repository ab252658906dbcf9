package provider_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-version"
)

// cliRun runs a real Terraform or OpenTofu with the real provider binary, for what
// the harness can't do: saved plans, flags, and everything that is printed.
type cliRun struct {
	t    *testing.T
	path string
	dir  string
	env  map[string]string
}

// newCLI makes an empty configuration directory in the world.
func newCLI(t *testing.T, w *world) *cliRun {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance test: it runs only with TF_ACC=1, as make test does")
	}
	c := &cliRun{t: t, path: os.Getenv("TF_ACC_TERRAFORM_PATH"), dir: t.TempDir(), env: map[string]string{}}
	if c.path == "" {
		t.Fatal("TF_ACC_TERRAFORM_PATH names no Terraform or OpenTofu: run make test")
	}
	rc := filepath.Join(t.TempDir(), "cli.tfrc")
	dir := filepath.Dir(providerBinary(t))
	writeFile(t, rc, fmt.Sprintf(`provider_installation {
  dev_overrides {
    "registry.terraform.io/ageenv/ageenv" = %[1]q
    "registry.opentofu.org/ageenv/ageenv" = %[1]q
  }
  direct {}
}
`, dir))
	for name, value := range w.env {
		c.env[name] = value
	}
	for name, value := range map[string]string{
		"PATH": os.Getenv("PATH"), "TF_CLI_CONFIG_FILE": rc, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1",
	} {
		c.env[name] = value
	}
	return c
}

// write replaces the configuration.
func (c *cliRun) write(config string) {
	c.t.Helper()
	if !strings.Contains(config, "required_providers") {
		config = "terraform {\n  required_providers {\n    ageenv = { source = \"ageenv/ageenv\" }\n  }\n}\n" + config
	}
	writeFile(c.t, filepath.Join(c.dir, "main.tf"), config)
}

// run runs a command and returns all that it printed. An exit code that is not 0
// is an *exec.ExitError.
func (c *cliRun) run(args ...string) (string, error) {
	c.t.Helper()
	out, err := c.command(args...).CombinedOutput()
	return string(out), err
}

// command is a command that was not started yet.
func (c *cliRun) command(args ...string) *exec.Cmd {
	if len(args) > 0 && args[0] != "validate" && args[0] != "show" && args[0] != "state" {
		args = append([]string{args[0], "-input=false"}, args[1:]...)
	}
	args = append([]string{args[0], "-no-color"}, args[1:]...)
	cmd := exec.Command(c.path, args...)
	cmd.Dir = c.dir
	for name, value := range c.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// must is run for a command that has to succeed.
func (c *cliRun) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// exitCode is the exit code in an error of run.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// state returns the state file's content.
func (c *cliRun) state() []byte {
	c.t.Helper()
	content, err := os.ReadFile(filepath.Join(c.dir, "terraform.tfstate"))
	if err != nil {
		c.t.Fatal(err)
	}
	return content
}

// hasActions reports whether the CLI has actions: Terraform from 1.14 on.
func hasActions(t *testing.T) bool {
	t.Helper()
	if os.Getenv("AGEENV_CLI_KIND") != "terraform" {
		return false
	}
	cli, err := version.NewVersion(os.Getenv("AGEENV_CLI_VERSION"))
	if err != nil {
		t.Fatal("AGEENV_CLI_VERSION is no version: run the tests through .ci/with-cli")
	}
	return cli.Core().GreaterThanOrEqual(version.Must(version.NewVersion("1.14.0")))
}

// needActions skips a test where the CLI has none.
func needActions(t *testing.T) {
	t.Helper()
	if !hasActions(t) {
		t.Skip("only Terraform has actions, from 1.14 on")
	}
}

var (
	builtOnce sync.Once
	builtPath string
	builtErr  error
)

// providerBinary builds the provider, once for all tests.
func providerBinary(t *testing.T) string {
	t.Helper()
	builtOnce.Do(func() {
		var dir string
		if dir, builtErr = os.MkdirTemp("", "ageenv-provider-"); builtErr != nil { //nolint:usetesting // outlives the first test that needs it
			return
		}
		builtPath = filepath.Join(dir, "terraform-provider-ageenv")
		out, err := exec.Command("go", "build", "-o", builtPath, "../..").CombinedOutput()
		if err != nil {
			builtErr = fmt.Errorf("building the provider: %w\n%s", err, out)
		}
	})
	if builtErr != nil {
		t.Fatal(builtErr)
	}
	return builtPath
}

// TestMain removes the provider that was built for the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if builtPath != "" {
		_ = os.RemoveAll(filepath.Dir(builtPath))
	}
	os.Exit(code)
}
