// Package attack runs the startup script on boxes whose users work against it.
//
// A box is a root file system of its own, on ext4 or tmpfs, that the script is run in by
// chroot: as root, without a prefix. The user has the number 1000 and owns directories that
// root's program writes in.
//
//	box_test.go       the box, and what of root's must stay as it is
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
package attack

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
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

// TestMain runs the tests in namespaces of their own: mounts and addresses of the machine
// are not theirs. The test binary is the attacker's program, too.
func TestMain(m *testing.M) {
	const inside = "AGEENV_ATTACK_INSIDE"
	switch {
	case os.Getenv("AGEENV_ATTACKER") != "":
		attackerMain()
	case os.Getuid() != 0:
		// The tests say so, one by one.
		os.Exit(m.Run())
	case os.Getenv(inside) == "":
		os.Exit(reexec(inside))
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		fmt.Fprintln(os.Stderr, "cannot make the mounts private:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func reexec(mark string) int {
	// The signal at the parent's death is tied to this thread.
	runtime.LockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			fmt.Fprintln(os.Stderr, "cannot run the tests in a mount namespace:", err)
		}
		return 1
	}
	return 0
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: cannot mount, nor be two users")
	}
}

// must ends the test at an error in its preparations.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// system runs a program of the machine.
func system(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// box is a root file system to run scripts in.
type box struct {
	t    testing.TB
	root string
}

// mountFS mounts a new file system: "ext4" in a file, or "tmpfs".
func mountFS(t testing.TB, kind, at string) {
	t.Helper()
	must(t, os.MkdirAll(at, 0o755))
	switch kind {
	case "ext4":
		image := filepath.Join(t.TempDir(), "image")
		must(t, os.WriteFile(image, nil, 0o600))
		must(t, os.Truncate(image, 64<<20))
		system(t, "mkfs.ext4", "-q", "-F", image)
		// No barriers: no test pulls the plug.
		system(t, "mount", "-o", "loop,nobarrier", image, at)
	case "tmpfs":
		must(t, unix.Mount("tmpfs", at, "tmpfs", 0, "size=64m,mode=755"))
	default:
		t.Fatal("no such file system: " + kind)
	}
	t.Cleanup(func() { unmount(t, at) })
}

func unmount(t testing.TB, at string) {
	if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
}

func bind(t testing.TB, from, at string, flags uintptr) {
	t.Helper()
	must(t, unix.Mount(from, at, "", unix.MS_BIND|unix.MS_REC, ""))
	if flags != 0 {
		must(t, unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|flags, ""))
	}
	t.Cleanup(func() { unmount(t, at) })
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
	if list, err := os.ReadFile(b.path("/var/lib/ageenv/drafts")); err == nil && len(list) != 0 {
		b.t.Errorf("still on the list of drafts: %q", list)
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

// crownJewels are files of root's on a box that no user's directory leads to.
type crownJewels struct {
	b     *box
	watch int
	was   map[string]string
}

// Each is root's alone. /etc/open can be entered by everybody, but not listed.
var jewels = []string{"/etc/shadow", "/etc/open", "/etc/open/inner", "/root/secret", "/var/lib/private", "/var/lib/private/inner", "/var/lib/vacant"}

// Openings and changes of a file that it was not to have. The user may make a second name
// for it, and move that: this is no change of its own.
const harm = unix.IN_OPEN | unix.IN_ACCESS | unix.IN_MODIFY | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO

func (b *box) jewels() *crownJewels {
	b.t.Helper()
	for _, p := range jewels {
		if strings.HasSuffix(p, "/inner") {
			must(b.t, os.MkdirAll(filepath.Dir(b.path(p)), 0o755))
		}
	}
	must(b.t, os.MkdirAll(b.path("/var/lib/vacant"), 0o700))
	must(b.t, os.Chmod(b.path("/var/lib/private"), 0o700))
	must(b.t, os.Chmod(b.path("/etc/open"), 0o711))
	b.put("/etc/shadow", "root:*:1::::::\n", 0o640)
	must(b.t, os.Chown(b.path("/etc/shadow"), 0, 42))
	for _, p := range []string{"/etc/open/inner", "/root/secret", "/var/lib/private/inner"} {
		b.put(p, "root's own "+p, 0o600)
	}
	c := &crownJewels{b: b}
	var err error
	c.watch, err = unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	must(b.t, err)
	b.t.Cleanup(func() { _ = unix.Close(c.watch) })
	c.was = c.look()
	for _, p := range jewels {
		_, err := unix.InotifyAddWatch(c.watch, b.path(p), harm)
		must(b.t, err)
	}
	return c
}

// look describes each: owner, mode, times and bytes.
func (c *crownJewels) look() map[string]string {
	c.b.t.Helper()
	found := map[string]string{}
	for _, p := range jewels {
		var st unix.Stat_t
		must(c.b.t, unix.Lstat(c.b.path(p), &st))
		text := fmt.Sprintf("inode %d, %d:%d %o, read %d.%09d, written %d.%09d", st.Ino, st.Uid, st.Gid, st.Mode, st.Atim.Sec, st.Atim.Nsec, st.Mtim.Sec, st.Mtim.Nsec)
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			file, err := os.OpenFile(c.b.path(p), os.O_RDONLY|unix.O_NOATIME, 0)
			must(c.b.t, err)
			content := make([]byte, 4096)
			n, _ := file.Read(content)
			_ = file.Close()
			text += fmt.Sprintf(", %x", sha256.Sum256(content[:n]))
		}
		found[p] = text
	}
	return found
}

// check reports what has been done to them since they were looked at.
func (c *crownJewels) check() []string {
	c.b.t.Helper()
	var wrong []string
	for _, e := range readEvents(c.watch) {
		wrong = append(wrong, fmt.Sprintf("%s: event %#x %s", jewels[min(e.watch, len(jewels))-1], e.mask, e.name))
	}
	for p, now := range c.look() {
		if now != c.was[p] {
			wrong = append(wrong, fmt.Sprintf("%s: was %s, is %s", p, c.was[p], now))
		}
	}
	// Of the look itself.
	readEvents(c.watch)
	return wrong
}

func (c *crownJewels) want() {
	c.b.t.Helper()
	for _, text := range c.check() {
		c.b.t.Error(text)
	}
}

type event struct {
	watch int
	mask  uint32
	name  string
}

// readEvents returns what an inotify descriptor has now.
func readEvents(fd int) []event {
	var events []event
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buffer)
		if err != nil || n <= 0 {
			return events
		}
		events = append(events, parseEvents(buffer[:n])...)
	}
}

func parseEvents(text []byte) []event {
	var events []event
	for len(text) >= unix.SizeofInotifyEvent {
		number := func(at int) uint32 {
			return uint32(text[at]) | uint32(text[at+1])<<8 | uint32(text[at+2])<<16 | uint32(text[at+3])<<24
		}
		end := unix.SizeofInotifyEvent + int(number(12))
		name, _, _ := strings.Cut(string(text[unix.SizeofInotifyEvent:end]), "\x00")
		events = append(events, event{int(number(0)), number(4), name})
		text = text[end:]
	}
	return events
}

func environment(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}
