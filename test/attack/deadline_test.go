package attack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// What linux/fs.h calls FIFREEZE and FITHAW.
const freezeCall, thawCall = 0xC0045877, 0xC0045878

// freeze has every change to a file system wait, in a way that no signal ends, until thaw is
// called or the test ends.
func freeze(t *testing.T, at string) (thaw func()) {
	t.Helper()
	dir, err := os.Open(at)
	must(t, err)
	call := func(number uintptr) error {
		if _, _, failed := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), number, 0); failed != 0 {
			return failed
		}
		return nil
	}
	must(t, call(freezeCall))
	frozen := true
	thaw = func() {
		if frozen {
			frozen = false
			must(t, call(thawCall))
		}
	}
	t.Cleanup(func() {
		thaw()
		_ = dir.Close()
	})
	return thaw
}

// hang mounts a FUSE file system whose server never answers.
func hang(t *testing.T, at string) {
	t.Helper()
	must(t, os.MkdirAll(at, 0o755))
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Mount("fuse", at, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", device)))
	t.Cleanup(func() {
		// What waits gets an error then.
		_ = unix.Close(device)
		unmount(t, at)
	})
}

// start starts a script of a sandbox, with a deadline in seconds, and returns what waits
// for its end.
func (s *sandbox) start(t *testing.T, deadline int, env ...string) (*exec.Cmd, func() outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, "/bin/sh", s.script)
	cmd.Dir = "/"
	cmd.Env = append([]string{"AGEENV_ROOT=" + s.root, "AGEENV_PATH=/usr/bin:/bin:/usr/sbin:/sbin", fmt.Sprintf("AGEENV_DEADLINE=%d", deadline)}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	must(t, cmd.Start())
	return cmd, func() outcome {
		defer cancel()
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
			t.Fatal(err)
		}
		return outcome{cmd.ProcessState.ExitCode(), out.String(), time.Since(began), ctx.Err() != nil}
	}
}

func (s *sandbox) reason(t *testing.T) string {
	t.Helper()
	b := box{t, s.root}
	return b.reason()
}

// prepare makes a sandbox and a script of these files, in memory.
func prepare(t *testing.T, kind string, files func() []firstboot.File, identity secret.Text) *sandbox {
	t.Helper()
	needRoot(t)
	dir := filepath.Join(t.TempDir(), "fs")
	mountFS(t, kind, dir)
	script := filepath.Join(t.TempDir(), "firstboot.exec")
	rendered, err := firstboot.Render(firstboot.Params{Files: files(), Identity: identity})
	must(t, err)
	must(t, os.WriteFile(script, []byte(rendered.Reveal()), 0o600))
	s, err := newSandbox(dir, script)
	must(t, err)
	return s
}

// wantDeadline asserts that a run ended at its deadline of two seconds.
func (s *sandbox) wantDeadline(t *testing.T, got outcome, most time.Duration) {
	t.Helper()
	if got.code != 16 || got.took < 2*time.Second || got.took > most || !strings.Contains(got.out, "took too long") {
		t.Errorf("code %d after %v: %s", got.code, got.took, got.out)
	}
}

// A file system under a target hangs: the run ends at its deadline all the same, and says so.
func TestDeadline(t *testing.T) {
	identity := newIdentity(t)
	text := secret.New(identity.String())
	two := func(p string) func() []firstboot.File {
		return func() []firstboot.File {
			return []firstboot.File{fileOf(t, identity, "/srv/one", "0600", newText(0)), fileOf(t, identity, p, "0600", newText(1))}
		}
	}
	t.Run("frozen target", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, "tmpfs", two("/srv/frozen/file"), text)
		mountFS(t, "ext4", s.path("/srv/frozen"))
		must(t, os.WriteFile(s.path("/srv/frozen/file"), []byte("old"), 0o600))
		thaw := freeze(t, s.path("/srv/frozen"))
		_, end := s.start(t, 2)
		s.wantDeadline(t, end(), 9*time.Second)
		if reason := s.reason(t); reason != "deadline" {
			t.Errorf("reason %q", reason)
		}
		for p, old := range map[string]string{"/srv/one": "old 0", "/srv/frozen/file": "old"} {
			if got, _ := os.ReadFile(s.path(p)); string(got) != old {
				t.Errorf("%s: %.20q", p, got)
			}
		}
		thaw()
		s.wantHealed(t, map[string]string{"/srv/one": newText(0), "/srv/frozen/file": newText(1)})
	})
	t.Run("frozen root", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, "ext4", two("/srv/two"), text)
		// As on a box. The script's shell would wait for it, with no deadline.
		mountFS(t, "tmpfs", s.path("/run"))
		must(t, os.MkdirAll(s.path("/run/systemd/system"), 0o755))
		thaw := freeze(t, s.root)
		_, end := s.start(t, 2)
		s.wantDeadline(t, end(), 25*time.Second)
		thaw()
		s.wantHealed(t, map[string]string{"/srv/one": newText(0), "/srv/two": newText(1)})
	})
	t.Run("frozen state", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, "tmpfs", two("/srv/two"), text)
		mountFS(t, "ext4", s.path("/var/lib"))
		thaw := freeze(t, s.path("/var/lib"))
		_, end := s.start(t, 2)
		got := end()
		s.wantDeadline(t, got, 25*time.Second)
		if !strings.Contains(got.out, "status.json cannot be written") {
			t.Error(got.out)
		}
		thaw()
		s.wantHealed(t, map[string]string{"/srv/one": newText(0), "/srv/two": newText(1)})
	})
	t.Run("target on FUSE", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, "tmpfs", two("/srv/fuse/file"), text)
		hang(t, s.path("/srv/fuse"))
		_, end := s.start(t, 2)
		s.wantDeadline(t, end(), 9*time.Second)
		if reason := s.reason(t); reason != "deadline" {
			t.Errorf("reason %q", reason)
		}
	})
	t.Run("metrics on FUSE", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, "tmpfs", two("/srv/two"), text)
		hang(t, s.path("/var/lib/node_exporter/textfile_collector"))
		_, end := s.start(t, 2)
		got := end()
		s.wantDeadline(t, got, 25*time.Second)
	})
	t.Run("draft on FUSE at a boot with nothing to do", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, "tmpfs", two("/srv/two"), text)
		s.wantHealed(t, nil)
		hang(t, s.path("/srv/fuse"))
		must(t, os.WriteFile(s.path("/var/lib/ageenv/drafts"), []byte("/srv/fuse/.ageenv.0123456789abcdef\n"), 0o600))
		must(t, os.WriteFile(s.script, []byte(`exec "$AGEENV_ROOT/usr/local/sbin/ageenv" drop`), 0o600))
		_, end := s.start(t, 30, "AGEENV_SECONDS=2")
		if got := end(); got.code != 0 || got.took > 9*time.Second || !strings.Contains(got.out, "cannot be removed") {
			t.Errorf("code %d after %v: %s", got.code, got.took, got.out)
		}
	})
	t.Run("lock of another run", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, "tmpfs", two("/srv/two"), text)
		s.holdLock(t)
		_, end := s.start(t, 2)
		s.wantDeadline(t, end(), 9*time.Second)
	})
}

// wantHealed runs the script in peace.
func (s *sandbox) wantHealed(t *testing.T, want map[string]string) {
	t.Helper()
	_, end := s.start(t, 30)
	if got := end(); got.code != 0 {
		t.Errorf("the next run: code %d: %s", got.code, got.out)
	}
	for p, text := range want {
		if got, _ := os.ReadFile(s.path(p)); string(got) != text {
			t.Errorf("%s: %d bytes %.20q", p, len(got), got)
		}
	}
	b := box{t, s.root}
	for _, dir := range []string{"/root", "/tmp", "/usr/local", "/opt"} {
		must(t, os.MkdirAll(s.path(dir), 0o755))
	}
	b.wantNoDrafts()
}

// holdLock is another run.
func (s *sandbox) holdLock(t *testing.T) {
	t.Helper()
	must(t, os.MkdirAll(s.path("/var/lib/ageenv"), 0o700))
	file, err := os.Create(s.path("/var/lib/ageenv/lock"))
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	must(t, unix.Flock(int(file.Fd()), unix.LOCK_EX))
}

// Before Python can take a signal, it is ignored: from the shell's first line on.
func TestSignalBeforePython(t *testing.T) {
	for _, signal := range []string{"TERM", "HUP", "INT", "PIPE"} {
		t.Run(signal, func(t *testing.T) {
			t.Parallel()
			identity := newIdentity(t)
			s := prepare(t, "tmpfs", func() []firstboot.File {
				return []firstboot.File{fileOf(t, identity, "/srv/one", "0600", newText(0))}
			}, secret.New(identity.String()))
			bin := t.TempDir()
			sent := filepath.Join(t.TempDir(), "sent")
			for name, text := range map[string]string{
				"mktemp":  "kill -%[1]s $PPID; echo mktemp >>%[2]s; exec /usr/bin/mktemp \"$@\"",
				"python3": "kill -%[1]s $$; echo python3 >>%[2]s; exec /usr/bin/python3 \"$@\"",
			} {
				must(t, os.WriteFile(filepath.Join(bin, name), fmt.Appendf(nil, "#!/bin/sh\n"+text+"\n", signal, sent), 0o700))
			}
			_, end := s.start(t, 30, "AGEENV_PATH="+bin+":/usr/bin:/bin")
			if got := end(); got.code != 0 {
				t.Errorf("code %d: %s", got.code, got.out)
			}
			if text, _ := os.ReadFile(sent); !strings.Contains(string(text), "mktemp\n") || strings.Count(string(text), "python3") < 2 {
				t.Errorf("signals were sent in: %q", text)
			}
			if got, _ := os.ReadFile(s.path("/srv/one")); string(got) != newText(0) {
				t.Errorf("the file is %.20q", got)
			}
		})
	}
}

// A run that waits for another one ends as soon as it is asked to.
func TestTermWhileWaiting(t *testing.T) {
	identity := newIdentity(t)
	s := prepare(t, "tmpfs", func() []firstboot.File {
		return []firstboot.File{fileOf(t, identity, "/srv/one", "0600", newText(0))}
	}, secret.New(identity.String()))
	s.holdLock(t)
	cmd, end := s.start(t, 30)
	time.Sleep(time.Second)
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	got := end()
	if got.code != 143 || got.took > 5*time.Second || s.reason(t) != "signal" {
		t.Errorf("code %d and reason %q after %v: %s", got.code, s.reason(t), got.took, got.out)
	}
	if text, _ := os.ReadFile(s.path("/srv/one")); string(text) != "old 0" {
		t.Errorf("the file is %.20q", text)
	}
}

// Ended from outside at any moment: asked to, all files are old or all are new, and nothing
// is left over. The parent killed, each file is old or new, and the next run heals the rest.
func TestEndedFromOutside(t *testing.T) {
	identity := newIdentity(t)
	var asked, ended int
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for n := range 20 {
			s := prepare(t, "tmpfs", func() []firstboot.File {
				return []firstboot.File{
					fileOf(t, identity, replaced[0], "0600", newText(0)), fileOf(t, identity, replaced[1], "0640", newText(1)),
					treeOf(t, identity, "/opt/app/keys", "0600", map[string]string{"TOKEN": newText(2), "tls.key": newText(3)}),
					fileOf(t, identity, replaced[4], "0600", newText(4)),
				}
			}, secret.New(identity.String()))
			cmd, end := s.start(t, 30)
			time.Sleep(time.Duration(20+10*n) * time.Millisecond)
			_ = cmd.Process.Signal(signal)
			got := end()
			count, err := s.state()
			if err != nil {
				t.Errorf("%v after %d turns: %v", signal, n, err)
			}
			if signal == syscall.SIGTERM {
				asked++
				if drafts, leaks := s.search(); count != 0 && count != len(replaced) || len(drafts)+len(leaks) > 0 {
					t.Errorf("after %d turns: code %d, %d files are new, left over %q, %q: %s", n, got.code, count, drafts, leaks, got.out)
				}
				if got.code == 143 {
					ended++
				} else if got.code != 0 {
					t.Errorf("after %d turns: code %d: %s", n, got.code, got.out)
				}
				continue
			}
			// The shell's private directory, if Python had not come to remove it. It is in /run.
			left, err := filepath.Glob(s.path("/run/ageenv.*"))
			must(t, err)
			for _, dir := range left {
				must(t, os.Remove(dir))
			}
			// The process that does the work may still be at it. This waits for its lock.
			s.wantHealed(t, map[string]string{replaced[0]: newText(0), replaced[1]: newText(1), replaced[2]: newText(2), replaced[4]: newText(4)})
		}
	}
	t.Logf("%d of %d runs that were asked to end did", ended, asked)
	if ended == 0 {
		t.Error("none ended before its time")
	}
}
