package docs_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// programs are the programs that several tests start, each built once.
var programs = struct {
	sync.Mutex
	dir   string
	paths map[string]string
}{paths: map[string]string{}}

// program builds a package of this repository.
func program(t *testing.T, directory string) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	if path, done := programs.paths[directory]; done {
		return path
	}
	if programs.dir == "" {
		var err error
		if programs.dir, err = os.MkdirTemp("", "ageenv-docs-"); err != nil { //nolint:usetesting // outlives the first test that needs it
			t.Fatal(err)
		}
	}
	path := filepath.Join(programs.dir, "program-"+filepath.Base(directory))
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join(repository, directory)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", directory, err, out)
	}
	programs.paths[directory] = path
	return path
}

// TestMain removes what was built for the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if programs.dir != "" {
		_ = os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

// installed puts this provider where Terraform and OpenTofu look for local copies, so that
// `terraform init` works without a registry.
func (s *shell) installed() {
	s.t.Helper()
	s.mirrored("ageenv/ageenv", "0.0.1", program(s.t, "."))
}

// mirrored puts a program there as a version of a provider.
func (s *shell) mirrored(source, version, path string) {
	s.t.Helper()
	for _, registry := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		dir := filepath.Join(s.home, ".terraform.d/plugins", registry, source, version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			s.t.Fatal(err)
		}
		if err := os.Link(path, filepath.Join(dir, "terraform-provider-"+filepath.Base(source)+"_v"+version)); err != nil && !errors.Is(err, fs.ErrExist) {
			s.t.Fatal(err)
		}
	}
}

// simulated gives the shell an account of Vultr's, on this machine.
func (s *shell) simulated() {
	s.t.Helper()
	s.must(`VULTRSIM_API_KEY=try ` + program(s.t, "internal/vultrsim/cmd/vultrsim") + ` -url-file ~/sim.url &
until [ -s ~/sim.url ]; do sleep 0.05; done
export VULTR_API_KEY=try VULTR_API_URL=$(cat ~/sim.url)`)
}

// example copies a directory of examples/ into the home, and goes there.
func (s *shell) example(name string) string {
	s.t.Helper()
	dir := filepath.Join(s.home, "app")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(repository, "examples", name))); err != nil {
		s.t.Fatal(err)
	}
	s.must("cd ~/app")
	return dir
}

// command puts a program of a person's on the PATH: a path, or the text of a script.
func (s *shell) command(name, path, script string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "bin", name)
	if script != "" {
		writeFile(s.t, file, script, 0o700)
		return
	}
	if err := os.Symlink(path, file); err != nil {
		s.t.Fatal(err)
	}
}
