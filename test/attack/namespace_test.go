package attack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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
