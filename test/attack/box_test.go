// Package attack runs the startup script on boxes whose users work against it.
//
// A box is a root file system of its own, on ext4 or tmpfs, that the script is run in by
// chroot: as root, without a prefix. The user has the number 1000 and owns directories that
// root's program writes in.
//
//	box_test.go       the box
//	namespace_test.go the namespaces that the tests run in, and mounts
//	jewels_test.go    what of root's must stay as it is
//	attacker_test.go  the process of the user
//	moves_test.go     what that process can do
//	storm_test.go     hundreds of runs against it
//	cases_test.go     the attacks that were found, one by one
//	absent_test.go    what comes later, and what cannot be looked into before
//	cut_test.go       runs that are cut off, and two at once
//	guard_test.go     what else was found by trying
//	parents_test.go   directories that the program makes or walks through
//	inject_test.go    each system call fails once, or the run is killed at it
//	deadline_test.go  file systems that hang
//	full_test.go      root disks that are full or read-only
package attack

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// canary is in every value, and in no other file of a box.
const canary = "cAnArY-5e7c2b0d"

const user = 1000

// box is a root file system to run scripts in.
type box struct {
	t    testing.TB
	root string
}

// newBox makes a box on a file system of its own. /usr is the machine's, read-only.
func newBox(t testing.TB, kind string) *box {
	t.Helper()
	needRoot(t)
	b := &box{t, filepath.Join(t.TempDir(), "box")}
	mountFS(t, kind, b.root)
	for _, dir := range []string{"/usr", "/proc", "/dev", "/etc", "/run/systemd/system", "/var/lib", "/opt", "/srv"} {
		must(t, os.MkdirAll(b.path(dir), 0o755))
	}
	must(t, os.Mkdir(b.path("/root"), 0o700))
	must(t, os.Mkdir(b.path("/tmp"), 0o755))
	must(t, os.Chmod(b.path("/tmp"), 0o777|fs.ModeSticky))
	for _, name := range []string{"/bin", "/sbin", "/lib", "/lib64"} {
		if to, err := os.Readlink(name); err == nil {
			must(t, os.Symlink(to, b.path(name)))
		} else if _, err := os.Stat(name); err == nil {
			must(t, os.Mkdir(b.path(name), 0o755))
			bind(t, name, b.path(name), unix.MS_RDONLY)
		}
	}
	bind(t, "/usr", b.path("/usr"), unix.MS_RDONLY)
	// The machine's own programs there are not a box's: wrappers, or an age.
	mountFS(t, "tmpfs", b.path("/usr/local"))
	must(t, os.MkdirAll(b.path("/usr/local/sbin"), 0o755))
	bind(t, "/proc", b.path("/proc"), 0)
	for name, number := range map[string]int{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		must(t, unix.Mknod(b.path("/dev/"+name), unix.S_IFCHR|0o666, 1<<8|number))
		must(t, os.Chmod(b.path("/dev/"+name), 0o666))
	}
	must(t, os.Symlink("/proc/self/fd", b.path("/dev/fd")))
	b.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n", 0o644)
	b.put("/etc/group", "root:x:0:\nshadow:x:42:\nuser:x:1000:\n", 0o644)
	b.put("/usr/local/sbin/systemctl", "#!/bin/sh\nexit 0\n", 0o755)
	return b
}

func (b *box) path(p string) string { return b.root + p }

// put makes a file of root's, with its directories.
func (b *box) put(p, text string, mode fs.FileMode) {
	b.t.Helper()
	must(b.t, os.MkdirAll(filepath.Dir(b.path(p)), 0o755))
	must(b.t, os.WriteFile(b.path(p), []byte(text), mode))
	must(b.t, os.Chmod(b.path(p), mode))
}

// directory makes a directory that the user owns.
func (b *box) directory(p string) {
	b.t.Helper()
	must(b.t, os.MkdirAll(b.path(p), 0o755))
	must(b.t, os.Chown(b.path(p), user, user))
	must(b.t, os.Chmod(b.path(p), 0o755))
}

// give makes the user the owner of what is at p.
func (b *box) give(p string) {
	b.t.Helper()
	must(b.t, os.Lchown(b.path(p), user, user))
}

func (b *box) read(p string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(p))
	must(b.t, err)
	return string(text)
}

// want asserts bytes, owner and mode of a file.
func (b *box) want(p, text string, uid uint32, mode fs.FileMode) {
	b.t.Helper()
	info, err := os.Lstat(b.path(p))
	if err != nil {
		b.t.Error(err)
		return
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || info.Mode() != mode || st.Uid != uid {
		b.t.Errorf("%s: got %v of user %d, want %v of user %d", p, info.Mode(), st.Uid, mode, uid)
		return
	}
	if got := b.read(p); got != text {
		b.t.Errorf("%s: got %d bytes %.40q, want %d bytes %.40q", p, len(got), got, len(text), text)
	}
}

// wantMode asserts owner, group and mode of a directory.
func (b *box) wantMode(p string, uid, gid uint32, mode fs.FileMode) {
	b.t.Helper()
	info, err := os.Lstat(b.path(p))
	if err != nil {
		b.t.Error(err)
		return
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm() != mode || st.Uid != uid || st.Gid != gid {
		b.t.Errorf("%s: got %v of %d:%d, want %v of %d:%d", p, info.Mode(), st.Uid, st.Gid, mode|fs.ModeDir, uid, gid)
	}
}

// wantNothing asserts that there is no such file.
func (b *box) wantNothing(p string) {
	b.t.Helper()
	if _, err := os.Lstat(b.path(p)); !errors.Is(err, fs.ErrNotExist) {
		b.t.Errorf("%s: must not exist (%v)", p, err)
	}
}

// wantNoDrafts asserts that no run has left anything, and that the list of drafts is empty.
func (b *box) wantNoDrafts() {
	b.t.Helper()
	for _, p := range b.drafts() {
		b.t.Errorf("%s is left over", p)
	}
	for _, dir := range []string{"/var/lib", "/run"} {
		if list, err := os.ReadFile(b.path(dir + "/ageenv/drafts")); err == nil && len(list) != 0 {
			b.t.Errorf("still on the list of drafts: %q", list)
		}
	}
}

func (b *box) drafts() []string {
	b.t.Helper()
	var found []string
	for _, dir := range []string{"/etc", "/opt", "/root", "/run", "/srv", "/tmp", "/var", "/usr/local"} {
		must(b.t, filepath.WalkDir(b.path(dir), func(p string, d fs.DirEntry, err error) error {
			if err == nil && (strings.HasPrefix(d.Name(), ".ageenv.") || strings.HasPrefix(d.Name(), "ageenv.") && d.IsDir() && dir == "/run") {
				found = append(found, strings.TrimPrefix(p, b.root))
			}
			return nil
		}))
	}
	return found
}

type outcome struct {
	code int
	out  string
	took time.Duration
	hung bool
}

// limit is how long a run may take that nothing hinders.
const limit = 25 * time.Second

// run runs a script as cloud-init does. One that takes longer than limit is killed.
func (b *box) run(script secret.Text) outcome {
	b.t.Helper()
	b.put("/root/firstboot.exec", script.Reveal(), 0o700)
	return b.command(limit, "/bin/sh", "/root/firstboot.exec")
}

func (b *box) command(limit time.Duration, args ...string) outcome {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: b.root, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		b.t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), time.Since(began), ctx.Err() != nil}
}

// drop is run for scripts that must succeed.
func (b *box) drop(script secret.Text) {
	b.t.Helper()
	got := b.run(script)
	if got.code != 0 {
		b.t.Fatalf("exit code %d: %s", got.code, got.out)
	}
}

// reason returns the reason in the status file.
func (b *box) reason() string {
	b.t.Helper()
	text, err := os.ReadFile(b.path("/var/lib/ageenv/status.json"))
	if err != nil {
		return err.Error()
	}
	var status struct{ Reason string }
	must(b.t, json.Unmarshal(text, &status))
	return status.Reason
}

// wantRefused asserts exit code and reason of a run.
func (b *box) wantRefused(got outcome, code int, reason string) {
	b.t.Helper()
	if r := b.reason(); got.hung || got.code != code || r != reason {
		b.t.Errorf("got code %d and reason %q after %v, want %d and %q: %s", got.code, r, got.took, code, reason, got.out)
	}
}

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	return identity
}

func seal(t testing.TB, identity *age.X25519Identity, plain []byte) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, identity.Recipient())
	must(t, err)
	_, err = w.Write(plain)
	must(t, err)
	must(t, w.Close())
	return sealed.Bytes()
}

// fileOf is a file of root's.
func fileOf(t testing.TB, identity *age.X25519Identity, path, mode, plain string) firstboot.File {
	t.Helper()
	return firstboot.File{Payload: seal(t, identity, []byte(plain)), Path: path, Owner: "0", Group: "0", Mode: mode}
}

// treeOf is a directory of files of root's.
func treeOf(t testing.TB, identity *age.X25519Identity, path, mode string, files map[string]string) firstboot.File {
	t.Helper()
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		must(t, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o600, Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(files[name]))
		must(t, err)
	}
	must(t, w.Close())
	f := fileOf(t, identity, path, mode, packed.String())
	f.Layout = firstboot.LayoutDirectory
	return f
}

// render makes a script of files whose identity travels.
func render(t testing.TB, identity *age.X25519Identity, files ...firstboot.File) secret.Text {
	t.Helper()
	script, err := firstboot.Render(firstboot.Params{Files: files, Identity: secret.New(identity.String())})
	must(t, err)
	return script
}
