package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shell is a terminal of a person who follows a page: variables and the directory stay from
// one block to the next.
type shell struct {
	t    *testing.T
	home string
	dir  string // where it keeps what it has to remember
	env  []string
}

// newShell makes a home with the real programs on its PATH, by the names that pages use. The
// URL of the published repository means this one.
func newShell(t *testing.T) *shell {
	t.Helper()
	cli := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if os.Getenv("TF_ACC") == "" || cli == "" {
		t.Skip("acceptance test: it runs with a CLI, as make test does")
	}
	s := &shell{t: t, home: t.TempDir(), dir: t.TempDir()}
	bin := filepath.Join(s.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"terraform": cli, "sops": tool(t, "sops"), "age-keygen": tool(t, "age-keygen")} {
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(s.dir, "editor"), editor, 0o700)
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	// In a file, since git takes its variables away from the process that it clones from. The checkout may be another user's.
	writeFile(t, filepath.Join(s.home, ".gitconfig"), "[safe]\n\tdirectory = *\n[url \""+root+"\"]\n\tinsteadOf = https://github.com/ageenv/terraform-provider-ageenv\n", 0o600)
	s.env = []string{
		"HOME=" + s.home, "PATH=" + bin + ":" + os.Getenv("PATH"), "EDITOR=" + filepath.Join(s.dir, "editor"),
		"CHECKPOINT_DISABLE=1", "TF_CLI_ARGS=-no-color", "TF_CLI_ARGS_apply=-auto-approve",
		"GIT_CONFIG_NOSYSTEM=1",
		"GOFLAGS=-buildvcs=false",
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GONOSUMDB", "GONOSUMCHECK", "GOSUMDB", "GOTOOLCHAIN"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		s.env = append(s.env, name+"="+strings.TrimSpace(string(value)))
	}
	t.Cleanup(s.stop)
	return s
}

// editor is the person's: it writes another TOKEN each time, below what the file has.
const editor = `#!/bin/sh
printf x >>"$0.count"
grep -v -e '^TOKEN=' -e '^hello=' -e '^example_' -e '^#' "$1" >"$1.new"
printf 'TOKEN=s3cret-%s\n' "$(cat "$0.count")" >>"$1.new"
grep -q '^LOG_LEVEL=' "$1.new" || echo 'LOG_LEVEL=info' >>"$1.new"
cat "$1.new" >"$1"
rm "$1.new"
`

// run types commands, and returns what they print and the last exit code.
func (s *shell) run(commands string) (output string, code int) {
	s.t.Helper()
	// What a block starts in the background must not hold the test's pipe open.
	out, err := os.Create(filepath.Join(s.dir, "output"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close() //nolint:errcheck // read below
	script := `remembered=$0
[ ! -f "$remembered" ] || . "$remembered"
` + strings.TrimSuffix(commands, "\n") + `
code=$?
{ export -p; printf 'cd "%s"\n' "$PWD"; } >"$remembered"
for job in $(jobs -p); do echo "$job" >>"$remembered.jobs"; done
exit "$code"
`
	cmd := exec.Command("bash", "-c", script, filepath.Join(s.dir, "remembered"))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.home, s.env, out, out
	err = cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		s.t.Fatal(err)
	}
	return readFile(s.t, out.Name()), cmd.ProcessState.ExitCode()
}

// must is run for commands of which each has to succeed.
func (s *shell) must(commands string) string {
	s.t.Helper()
	out, code := s.run("set -e\n" + strings.TrimSuffix(commands, "\n") + "\nset +e")
	if code != 0 {
		s.t.Fatalf("exit code %d:\n%s\n%s", code, commands, out)
	}
	return out
}

// stop ends what the person has started in the background.
func (s *shell) stop() {
	jobs, err := os.ReadFile(filepath.Join(s.dir, "remembered.jobs"))
	if err != nil {
		return
	}
	for job := range strings.FieldsSeq(string(jobs)) {
		_ = exec.Command("kill", job).Run()
	}
}

// tool is the path of a pinned program.
func tool(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(repository, ".ci/tool"), name)
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	if err != nil {
		t.Fatalf(".ci/tool %s: %v", name, err)
	}
	return strings.TrimSpace(string(path))
}
