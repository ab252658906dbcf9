package provider_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-version"
)

// cliRun runs a real Terraform or OpenTofu with the real provider binary, for what
// the harness can't do: saved plans, flags, and everything that is printed.
type cliRun struct {
	t    testing.TB
	path string
	dir  string
	env  map[string]string
	// elsewhere is the state's content, if it is not in a file; see stateElsewhere.
	elsewhere func() []byte
}

// newCLI makes an empty configuration directory in the world.
func newCLI(tb testing.TB, w *world) *cliRun {
	tb.Helper()
	if os.Getenv("TF_ACC") == "" {
		tb.Skip("acceptance test: it runs only with TF_ACC=1, as make test does")
	}
	c := &cliRun{t: tb, path: os.Getenv("TF_ACC_TERRAFORM_PATH"), dir: tb.TempDir(), env: map[string]string{}}
	if c.path == "" {
		tb.Fatal("TF_ACC_TERRAFORM_PATH names no Terraform or OpenTofu: run make test")
	}
	c.use(map[string]string{"ageenv/ageenv": filepath.Dir(providerBinary(tb))})
	for name, value := range w.env {
		c.env[name] = value
	}
	for name, value := range map[string]string{
		"PATH": os.Getenv("PATH"), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1",
	} {
		c.env[name] = value
	}
	return c
}

// use has providers taken from directories, by their source, in Terraform's registry
// and in OpenTofu's, without an init.
func (c *cliRun) use(providers map[string]string) {
	c.t.Helper()
	var text strings.Builder
	text.WriteString("provider_installation {\n  dev_overrides {\n")
	for source, dir := range providers {
		for _, registry := range []string{"registry.terraform.io", "registry.opentofu.org"} {
			fmt.Fprintf(&text, "    %q = %q\n", registry+"/"+source, dir)
		}
	}
	text.WriteString("  }\n  direct {}\n}\n")
	if c.env["TF_CLI_CONFIG_FILE"] == "" {
		c.env["TF_CLI_CONFIG_FILE"] = filepath.Join(c.t.TempDir(), "cli.tfrc")
	}
	writeFile(c.t, c.env["TF_CLI_CONFIG_FILE"], text.String())
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
	if len(args) > 0 && !slices.Contains([]string{"validate", "show", "state", "get"}, args[0]) {
		args = append([]string{args[0], "-input=false"}, args[1:]...)
	}
	return c.plain(append([]string{args[0], "-no-color"}, args[1:]...)...)
}

// plain is command for a subcommand that takes neither -input nor -no-color.
func (c *cliRun) plain(args ...string) *exec.Cmd {
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

// stateElsewhere has the state kept by a server, as a team does. A file is written
// anew after every resource, whole, which takes as long again as the resources where
// there are many; what is elsewhere every twenty seconds.
func (c *cliRun) stateElsewhere() {
	c.t.Helper()
	var (
		mu   sync.Mutex
		kept []byte
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPost:
			kept, _ = io.ReadAll(r.Body)
		case kept == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = w.Write(kept)
		}
	}))
	c.t.Cleanup(server.Close)
	c.elsewhere = func() []byte {
		mu.Lock()
		defer mu.Unlock()
		return kept
	}
	writeFile(c.t, filepath.Join(c.dir, "backend.tf"), fmt.Sprintf("terraform {\n  backend \"http\" {\n    address = %q\n  }\n}\n", server.URL))
	// It ends with an error, since it does not find the provider that is ours anyway.
	out, _ := c.run("init")
	if _, err := os.Stat(filepath.Join(c.dir, ".terraform/terraform.tfstate")); err != nil {
		c.t.Fatalf("the backend is not made known: %s", out)
	}
}

// state returns the state's content.
func (c *cliRun) state() []byte {
	c.t.Helper()
	if c.elsewhere != nil {
		return c.elsewhere()
	}
	content, err := os.ReadFile(filepath.Join(c.dir, "terraform.tfstate"))
	if err != nil {
		c.t.Fatal(err)
	}
	return content
}

// hasIdentity reports whether the CLI keeps a resource identity: Terraform and OpenTofu
// do from 1.12 on.
func hasIdentity(t *testing.T) bool {
	t.Helper()
	cli, err := version.NewVersion(os.Getenv("AGEENV_CLI_VERSION"))
	if err != nil {
		t.Fatal("AGEENV_CLI_VERSION is no version: run the tests through .ci/with-cli")
	}
	return cli.Core().GreaterThanOrEqual(version.Must(version.NewVersion("1.12.0")))
}

// needIdentity skips a test where the CLI keeps none.
func needIdentity(t *testing.T) {
	t.Helper()
	if !hasIdentity(t) {
		t.Skip("only Terraform and OpenTofu from 1.12 on keep a resource identity")
	}
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

// built are the programs that tests start, each in a directory of its own, made once
// for all of them.
var built = struct {
	sync.Mutex
	dir   string
	paths map[string]string
}{paths: map[string]string{}}

// buildOnce builds a program under a name, with arguments of go build.
func buildOnce(tb testing.TB, key, name string, args ...string) string {
	tb.Helper()
	built.Lock()
	defer built.Unlock()
	if path, done := built.paths[key]; done {
		return path
	}
	if built.dir == "" {
		var err error
		if built.dir, err = os.MkdirTemp("", "ageenv-provider-"); err != nil { //nolint:usetesting // outlives the first test that needs it
			tb.Fatal(err)
		}
	}
	path := filepath.Join(built.dir, key, name)
	if out, err := exec.Command("go", append([]string{"build", "-o", path}, args...)...).CombinedOutput(); err != nil {
		tb.Fatalf("building %s: %v\n%s", key, err, out)
	}
	built.paths[key] = path
	return path
}

// providerBinary is the provider.
func providerBinary(tb testing.TB) string {
	tb.Helper()
	return buildOnce(tb, "ageenv", "terraform-provider-ageenv", "../..")
}

// vultrSchema plays Vultr's own provider.
func vultrSchema(tb testing.TB) string {
	tb.Helper()
	return buildOnce(tb, "vultr", "terraform-provider-vultr", "../../test/vultrschema")
}

// vaultStandIns is a directory with programs that play the providers of vaults.
func vaultStandIns(tb testing.TB) string {
	tb.Helper()
	program := buildOnce(tb, "standin", "standin", "../../test/standin")
	for _, name := range []string{"onepassword", "aws"} {
		link := filepath.Join(filepath.Dir(program), "terraform-provider-"+name)
		if err := os.Symlink(program, link); err != nil && !errors.Is(err, fs.ErrExist) {
			tb.Fatal(err)
		}
	}
	return filepath.Dir(program)
}

// TestMain removes what was built for the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}
