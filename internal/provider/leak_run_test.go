package provider_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// leakRun is a real Terraform or OpenTofu with a provider that was built and
// installed from a local mirror, a simulated account on loopback, and every log
// turned on. What the runs leave is below root; what the operator gives them is
// below inputs, which is not searched.
type leakRun struct {
	t       *testing.T
	cli     string
	host    string
	binary  string // the installed provider
	root    string
	work    string // the configuration and its state
	temp    string // TMPDIR of every process
	protos  string // TF_LOG_SDK_PROTO_DATA_DIR
	inputs  string
	env     map[string]string
	steps   int
	secrets []leakSecret
	sim     *vultrsim.Server
	procs   *leakProcesses
	vultr   string // the account's key
	// recipients are whom files are sealed to that others make.
	recipients string
}

// newLeakRun installs the provider that the package makes, as go build takes it.
func newLeakRun(t *testing.T, binary string) *leakRun {
	t.Helper()
	r := &leakRun{t: t, cli: leakCLI(t), host: os.Getenv("TF_ACC_PROVIDER_HOST"), root: t.TempDir(), inputs: t.TempDir(), env: map[string]string{}}
	if r.host == "" {
		r.host = "registry.terraform.io"
	}
	r.work, r.temp, r.protos = r.dir("work"), r.dir("tmp"), r.dir("protocol")
	r.dir("kept")
	mirror := t.TempDir()
	r.binary = filepath.Join(mirror, r.host, "ageenv/ageenv/0.0.1", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-ageenv_v0.0.1")
	if err := os.MkdirAll(filepath.Dir(r.binary), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(binary, r.binary); err != nil {
		t.Fatal(err)
	}
	r.vultr = r.secret("the Vultr API key", "VKEY-%s")
	r.sim = vultrsim.New(vultrsim.Options{APIKey: r.vultr})
	r.procs = newLeakProcesses(r.binary)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		// The provider waits for this answer: now it can be looked at.
		r.procs.look()
		r.sim.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)

	cliConfig := filepath.Join(r.inputs, "cli.tfrc")
	writeFile(t, cliConfig, fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	r.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": r.dir("home"), "TMPDIR": r.temp,
		"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": cliConfig, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0",
		"TF_LOG": "TRACE", "TF_LOG_PATH": filepath.Join(r.root, "trace.log"), "TF_LOG_SDK_PROTO_DATA_DIR": r.protos,
		"GOTRACEBACK": "all", "VULTR_API_URL": server.URL, "VULTR_API_KEY": r.vultr,
	}
	r.userSSHKey()
	return r
}

// userSSHKey gives the user an SSH key in ~/.ssh, where the provider looks. The link is
// followed by those who open it, and not by the search.
func (r *leakRun) userSSHKey() {
	r.t.Helper()
	key := agekeytest.SSHEd25519(r.t).Text().Reveal()
	for _, line := range strings.Split(strings.TrimSpace(key), "\n")[2:4] {
		r.secrets = append(r.secrets, leakSecret{"the user's SSH key", line})
	}
	dir := filepath.Join(r.env["HOME"], ".ssh")
	if err := os.Mkdir(dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(r.input("user-ssh-key", key), filepath.Join(dir, "id_ed25519")); err != nil {
		r.t.Fatal(err)
	}
}

func leakCLI(t *testing.T) string {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("TF_ACC is not set: this test runs a real Terraform")
	}
	name := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if name == "" {
		name = "terraform"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("TF_ACC is set, and there is no Terraform: %v", err)
	}
	return path
}

// leakBuild builds a main package of the module.
func leakBuild(t *testing.T, pkg string) string {
	t.Helper()
	leakCLI(t) // skips before anything is built
	binary := filepath.Join(t.TempDir(), "provider")
	if out, err := exec.Command("go", "build", "-o", binary, pkg).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return binary
}

func (r *leakRun) dir(name string) string {
	r.t.Helper()
	dir := filepath.Join(r.root, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	return dir
}

// secret makes a random secret, to be found nowhere.
func (r *leakRun) secret(name, format string) string {
	value := strings.Replace(format, "%s", newSuffix(), 1)
	r.secrets = append(r.secrets, leakSecret{name, value})
	return value
}

// identity makes an age key whose private half is to be found nowhere.
func (r *leakRun) identity(name string) person {
	r.t.Helper()
	p := newPerson(r.t)
	// Without the type's prefix and its first letter: some readers drop or fold it.
	r.secrets = append(r.secrets, leakSecret{name, strings.TrimPrefix(p.identity, "AGE-SECRET-KEY-1")},
		leakSecret{name + ", lower case", strings.ToLower(strings.TrimPrefix(p.identity, "AGE-SECRET-KEY-1"))})
	return p
}

// input writes a file that the operator gives.
func (r *leakRun) input(name, content string) string {
	path := filepath.Join(r.inputs, name)
	writeFile(r.t, path, content)
	return path
}

// config writes a file of the configuration.
func (r *leakRun) config(name, content string) {
	writeFile(r.t, filepath.Join(r.work, name), strings.ReplaceAll(content, "HOST", r.host))
}

func (r *leakRun) unconfig(name string) {
	if err := os.Remove(filepath.Join(r.work, name)); err != nil {
		r.t.Fatal(err)
	}
}

// try runs the CLI, keeps what it prints and what it leaves, and returns its exit
// code and all output. The variables are set for this run only.
func (r *leakRun) try(vars map[string]string, args ...string) (int, string) {
	r.t.Helper()
	cmd := exec.Command(r.cli, args...)
	cmd.Dir = r.work
	env := map[string]string{}
	for _, from := range []map[string]string{r.env, vars} {
		for name, value := range from {
			env[name] = value
		}
	}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	sort.Strings(cmd.Env)
	stop := r.procs.watch()
	out, err := cmd.CombinedOutput()
	stop()
	r.steps++
	step := fmt.Sprintf("%02d-%s", r.steps, args[0])
	writeFile(r.t, filepath.Join(r.root, "kept", step+".output"), string(out))
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup"} {
		if content, err := os.ReadFile(filepath.Join(r.work, name)); err == nil {
			writeFile(r.t, filepath.Join(r.root, "kept", step+"."+name), string(content))
		}
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// must runs the CLI and expects it to succeed.
func (r *leakRun) must(vars map[string]string, args ...string) string {
	r.t.Helper()
	code, out := r.try(vars, args...)
	if code != 0 {
		r.t.Fatalf("%s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// fails runs the CLI and expects it to fail with an error that says so.
func (r *leakRun) fails(why string, vars map[string]string, args ...string) {
	r.t.Helper()
	code, out := r.try(vars, args...)
	// The box that errors are printed in breaks lines.
	flat := strings.Join(strings.Fields(strings.NewReplacer("│", "", "╵", "", "╷", "").Replace(out)), " ")
	if code == 0 || !strings.Contains(flat, why) {
		r.t.Errorf("%s: exit code %d, want a failure that says %q\n%s", strings.Join(args, " "), code, why, out)
	}
}

// learn adds the identities of the keys in the state, which only an operator can
// know, and returns how many there are.
func (r *leakRun) learn(operator person) (identities []string) {
	r.t.Helper()
	content, err := os.ReadFile(filepath.Join(r.work, "terraform.tfstate"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, wrapped := range leakAttributes(r.t, content, "ageenv_key", "wrapped_identity") {
		ids, err := agekey.ParseIdentities(secret.New(operator.identity))
		if err != nil {
			r.t.Fatal(err)
		}
		unwrapped, err := agekey.Unwrap(wrapped, ids)
		if err != nil {
			r.t.Fatal(err)
		}
		text := strings.TrimSpace(unwrapped[0].Text().Reveal())
		if _, err := age.ParseX25519Identity(text); err != nil {
			r.t.Fatal("the unwrapped identity is none")
		}
		identities = append(identities, text)
		r.secrets = append(r.secrets, leakSecret{"a generated identity", strings.TrimPrefix(text, "AGE-SECRET-KEY-1")})
	}
	return identities
}

// learnGenerated adds the values that bundles made, which only an operator can know.
func (r *leakRun) learnGenerated(operator person) {
	r.t.Helper()
	content, err := os.ReadFile(filepath.Join(r.work, "terraform.tfstate"))
	if err != nil {
		r.t.Fatal(err)
	}
	found := 0
	for _, ciphertext := range leakAttributes(r.t, content, "ageenv_bundle", "ciphertext") {
		text, err := openText(ciphertext, operator.identities(r.t))
		if err != nil {
			continue // sealed to others
		}
		for line := range strings.SplitSeq(text.Reveal(), "\n") {
			if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "GENERATED_") {
				r.secrets = append(r.secrets, leakSecret{"a generated value", strings.Trim(value, `"`)})
				found++
			}
		}
	}
	if found == 0 {
		r.t.Error("no generated value was found to look for")
	}
}

// leakAttributes are an attribute's values in a state file.
func leakAttributes(t *testing.T, state []byte, resourceType, attribute string) (values []string) {
	t.Helper()
	var parsed struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes map[string]any }
		}
	}
	if err := json.Unmarshal(state, &parsed); err != nil {
		t.Fatal(err)
	}
	for _, resource := range parsed.Resources {
		for _, instance := range resource.Instances {
			if value, ok := instance.Attributes[attribute].(string); ok && resource.Type == resourceType {
				values = append(values, value)
			}
		}
	}
	return values
}

// search looks through all that the runs left.
func (r *leakRun) search() *leakSearch {
	r.t.Helper()
	s := newLeakSearch(r.t, r.secrets)
	// The configuration is the operator's input.
	if err := s.tree(r.root, func(name string) bool { return strings.HasSuffix(name, ".tf") }); err != nil {
		r.t.Fatal(err)
	}
	for place, content := range r.procs.seen() {
		s.text(place, []byte(content))
	}
	return s
}
