package firstboot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// scratch lives as long as the test binary, for what is built once.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "firstboot-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// ageProgram is the real age of the module graph's version. `go install` with a
// version does not need cmd/age's own dependencies in go.sum.
var ageProgram = sync.OnceValues(func() (string, error) {
	if p := os.Getenv("AGEENV_TEST_AGE"); p != "" {
		return p, nil
	}
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "filippo.io/age").Output()
	if err != nil {
		return "", err
	}
	install := exec.Command("go", "install", "filippo.io/age/cmd/age@"+strings.TrimSpace(string(version)))
	install.Env = append(os.Environ(), "GOBIN="+scratch, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return filepath.Join(scratch, "age"), nil
})

func needAge(t testing.TB) string {
	t.Helper()
	p, err := ageProgram()
	if err != nil {
		t.Skipf("no age to test with, and it cannot be built (set AGEENV_TEST_AGE): %v", err)
	}
	return p
}

// pythonProgram is the interpreter itself: what PATH has may be a wrapper that
// needs more of the environment than a box gives.
var pythonProgram = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("python3", "-c", "import os, sys; print(os.path.realpath(sys.executable))").Output()
	return strings.TrimSpace(string(out)), err
})

func needPython(t testing.TB) string {
	t.Helper()
	p, err := pythonProgram()
	if err != nil {
		t.Skipf("no python3 to test with: %v", err)
	}
	return p
}

// Every tool the script uses, with sync, which it can do without, and printf,
// which is no builtin in mksh.
var allTools = append([]string{"printf"}, boxTools...)

// box is a root directory to run scripts in, and the PATH they get.
type box struct {
	t         testing.TB
	root, bin string
	// shell is the command that runs the script; its file name is added.
	shell []string
	// env is added to AGEENV_ROOT and AGEENV_PATH, the whole environment.
	env []string
}

// What a box may have beside python3, without which nothing runs.
const (
	hasAge = 1 << iota
	hasPython
)

func newBox(t testing.TB, has int) *box {
	t.Helper()
	b := &box{t: t, root: filepath.Join(t.TempDir(), "root"), bin: t.TempDir(), shell: []string{"/bin/sh"}}
	b.systemd()
	for _, tool := range allTools {
		p, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		b.install(tool, p)
	}
	if has&hasAge != 0 {
		b.install("age", needAge(t))
	}
	b.install("python3", needPython(t))
	return b
}

// systemd has it run on the box, as far as the script looks. Nobody answers:
// fakeSystemd is for that.
func (b *box) systemd() {
	b.t.Helper()
	if err := os.MkdirAll(b.path("/run/systemd/system"), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

// install makes the program at p known by name, in place of what had the name.
func (b *box) install(name, p string) {
	b.t.Helper()
	link := filepath.Join(b.bin, name)
	_ = os.Remove(link)
	if err := os.Symlink(p, link); err != nil {
		b.t.Fatal(err)
	}
}

// inject has system calls of the run fail, as `strace -e inject` says.
func (b *box) inject(rules ...string) {
	b.t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		b.t.Skip("strace is not installed")
	}
	command := []string{strace, "-f", "-qq", "-o", "/dev/null"}
	for _, rule := range rules {
		command = append(command, "-e", "inject="+rule)
	}
	b.shell = append(command, b.shell...)
}

// remove takes a program away.
func (b *box) remove(name string) {
	b.t.Helper()
	if err := os.Remove(filepath.Join(b.bin, name)); err != nil {
		b.t.Fatal(err)
	}
}

// fake puts a shell script in the place of a tool. In its text, REAL stands for
// the tool's own path.
func (b *box) fake(name, text string) {
	b.t.Helper()
	link := filepath.Join(b.bin, name)
	before, err := os.Readlink(link)
	if err != nil {
		before = "/nonexistent"
	}
	_ = os.Remove(link)
	text = "#!/bin/sh\n" + strings.ReplaceAll(text, "REAL", before) + "\n"
	if err := os.WriteFile(link, []byte(text), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

type outcome struct {
	code           int
	stdout, stderr string
}

func (b *box) run(script secret.Text) outcome {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	file := filepath.Join(b.t.TempDir(), "firstboot.exec")
	if err := os.WriteFile(file, []byte(script.Reveal()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return b.command(ctx, append(slices.Clone(b.shell), file))
}

// tool runs the program that is left on the box.
func (b *box) tool(args ...string) outcome {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return b.command(ctx, append([]string{b.path("/usr/local/sbin/ageenv")}, args...))
}

func (b *box) command(ctx context.Context, args []string) outcome {
	b.t.Helper()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = append([]string{"AGEENV_ROOT=" + b.root, "AGEENV_PATH=" + b.bin}, b.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// drop is run for scripts that must succeed.
func (b *box) drop(script secret.Text) outcome {
	b.t.Helper()
	got := b.run(script)
	if got.code != 0 {
		b.t.Fatalf("exit code %d\nstdout: %s\nstderr: %s", got.code, got.stdout, got.stderr)
	}
	return got
}

func (b *box) path(p string) string { return b.root + p }

// put makes a file, with its directories.
func (b *box) put(p, text string, mode fs.FileMode) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(p)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path(p), []byte(text), mode); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chmod(b.path(p), mode); err != nil {
		b.t.Fatal(err)
	}
}

// want asserts the bytes of a file.
func (b *box) want(p, text string) {
	b.t.Helper()
	got, err := os.ReadFile(b.path(p))
	if err != nil {
		b.t.Error(err)
	} else if string(got) != text {
		b.t.Errorf("%s: got %d bytes %.40q, want %d bytes %.40q", p, len(got), got, len(text), text)
	}
}

// wantNothing asserts that there is no such file.
func (b *box) wantNothing(p string) {
	b.t.Helper()
	if _, err := os.Lstat(b.path(p)); !errors.Is(err, fs.ErrNotExist) {
		b.t.Errorf("%s: must not exist (%v)", p, err)
	}
}

// wantClean asserts that no run has left anything of its own, and that no file
// but those of allowed holds the canary.
func (b *box) wantClean(allowed ...string) {
	b.t.Helper()
	err := filepath.WalkDir(b.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, b.root)
		if strings.HasPrefix(d.Name(), ".ageenv.") || strings.HasPrefix(name, "/run/ageenv.") || name == draftList && size(d) > 0 {
			b.t.Errorf("%s is left over", name)
		}
		if !d.Type().IsRegular() || slices.Contains(allowed, name) {
			return nil
		}
		text, err := os.ReadFile(p)
		if leak := leakIn(string(text)); leak != "" {
			b.t.Errorf("%s holds %s", name, leak)
		}
		return err
	})
	if err != nil {
		b.t.Error(err)
	}
}

// draftList names the drafts that a run has made; nothing is left on it.
const draftList = "/var/lib/ageenv/drafts"

func size(d fs.DirEntry) int64 {
	info, err := d.Info()
	if err != nil {
		return 0
	}
	return info.Size()
}

type statusFile struct {
	TemplateVersion string `json:"template_version"`
	Name            string
	Time            time.Time
	Result, Reason  string
	ExitCode        int `json:"exit_code"`
	Decryptor       string
	Metadata        string
	UserScript      string `json:"user_script"`
	UserScriptCode  int    `json:"user_script_exit_code"`
	Files           []struct {
		Path, Layout, Owner, Group, Mode, State string
		SourceDigest                            string `json:"source_digest"`
	}
}

const statusPath = "/var/lib/ageenv/status.json"

func (b *box) status() statusFile {
	b.t.Helper()
	text, err := os.ReadFile(b.path(statusPath))
	if err != nil {
		b.t.Fatal(err)
	}
	var s statusFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		b.t.Fatalf("status: %v in %s", err, text)
	}
	if age := time.Since(s.Time); age < -time.Minute || age > time.Hour {
		b.t.Errorf("status: time %v is not now", s.Time)
	}
	return s
}

// wantFailure asserts how a run failed, in all three places that say so.
func (b *box) wantFailure(got outcome, code int, reason, message string) {
	b.t.Helper()
	if got.code != code || !strings.Contains(got.stderr, "ageenv: "+message) || got.stdout != "" {
		b.t.Errorf("got code %d, stdout %q, stderr %q; want code %d and %q", got.code, got.stdout, got.stderr, code, message)
	}
	if s := b.status(); s.Result != "failed" || s.Reason != reason || s.ExitCode != code {
		b.t.Errorf("status: got %q, %q, %d; want failed, %q, %d", s.Result, s.Reason, s.ExitCode, reason, code)
	}
}

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func seal(t testing.TB, plain string, to ...age.Recipient) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}

// The tests' own user owns what they drop: they need not be root.
var myUser, myGroup = strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())

// fileOf is a file of the tests' own user, mode 0600.
func fileOf(t testing.TB, identity *age.X25519Identity, path, plain string) File {
	t.Helper()
	return File{Payload: seal(t, plain, identity.Recipient()), Path: path, Owner: myUser, Group: myGroup, Mode: DefaultMode}
}

func mustRender(t testing.TB, identity *age.X25519Identity, files ...File) secret.Text {
	t.Helper()
	script, err := Render(Params{Files: files, Identity: secret.New(identity.String())})
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// renderUnopened makes a script that Render would refuse to, since a payload
// does not open.
func renderUnopened(t testing.TB, identity *age.X25519Identity, files ...File) secret.Text {
	t.Helper()
	script, err := render(Params{Files: files}, identity)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

func needRoot(t testing.TB, what string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skipf("not root: cannot %s", what)
	}
}

type fileStat struct {
	inode        uint64
	mode         fs.FileMode
	uid, gid     uint32
	mtime, ctime syscall.Timespec
}

func (b *box) stat(p string) fileStat {
	b.t.Helper()
	info, err := os.Lstat(b.path(p))
	if err != nil {
		b.t.Fatal(err)
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		b.t.Fatal("not the stat of Linux")
	}
	return fileStat{s.Ino, info.Mode(), s.Uid, s.Gid, s.Mtim, s.Ctim}
}
