package attack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// injected are the calls of which each one fails once, or is where a run is ended. Of the
// calls that only look, every second one is, in one of the ways, in turns.
var (
	injected = []string{
		"write", "pwrite64", "ftruncate", "fsync", "fchown", "fchmod", "fremovexattr", "renameat", "renameat2", "rename", "linkat", "symlinkat", "unlinkat",
		"mkdirat", "flock",
	}
	inTurns = []string{"openat", "read", "getdents64", "getrandom"}
)

// The ways, in strace's words.
var ways = []string{"signal=KILL", "error=ENOSPC", "error=EIO", "signal=TERM"}

// What the runs replace and make: name to the marks of the old and of the new one.
var replaced = []string{"/srv/one", "/opt/app/two", "/opt/app/keys/TOKEN", "/opt/app/keys/tls.key", "/srv/fresh/three"}

// sandbox is a directory that a script runs below, by AGEENV_ROOT.
type sandbox struct {
	root, script string
}

func (s *sandbox) path(p string) string { return s.root + p }

// newSandbox makes one with the old files.
func newSandbox(dir, script string) (*sandbox, error) {
	s := &sandbox{filepath.Join(dir, "root"), script}
	if err := os.MkdirAll(s.path("/run/systemd/system"), 0o755); err != nil {
		return nil, err
	}
	files := map[string]string{
		"/srv/one": "old 0", "/opt/app/two": "old 1", "/opt/app/keys/TOKEN": "old 2", "/opt/app/keys/tls.key": "old 3", "/opt/app/keys/GONE": "old",
		"/var/lib/ageenv/directories": "/opt/app/keys\n", "/var/lib/prometheus/node-exporter/other.prom": "",
	}
	for p, text := range files {
		mode := fs.FileMode(0o755)
		if strings.HasPrefix(p, "/var/lib/ageenv/") || strings.HasPrefix(p, "/opt/app/keys/") {
			mode = 0o700
		}
		if err := os.MkdirAll(filepath.Dir(s.path(p)), mode); err != nil {
			return nil, err
		}
		if err := os.WriteFile(s.path(p), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// run runs a command for at most a minute, with a deadline of the program's own before that.
func (s *sandbox) run(ctx context.Context, args ...string) outcome {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"AGEENV_ROOT=" + s.root, "AGEENV_PATH=/usr/bin:/bin:/usr/sbin:/sbin", "AGEENV_DEADLINE=40"}
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	_ = cmd.Run()
	return outcome{cmd.ProcessState.ExitCode(), out.String(), time.Since(began), ctx.Err() != nil}
}

// traced runs the script's program with strace on the process that does the work.
func (s *sandbox) traced(ctx context.Context, driver string, args ...string) outcome {
	strace := append([]string{"/usr/bin/python3", "-I", "-S", driver, s.script, "/usr/bin/strace", "-qq"}, args...)
	return s.run(ctx, strace...)
}

// state counts the files that are new. Each is the old or the new one, whole.
func (s *sandbox) state() (int, error) {
	n := 0
	for i, p := range replaced {
		text, err := os.ReadFile(s.path(p))
		switch {
		case err == nil && string(text) == newText(i):
			n++
		case err == nil && string(text) == fmt.Sprintf("old %d", i):
		case errors.Is(err, fs.ErrNotExist) && p == "/srv/fresh/three":
		default:
			return n, fmt.Errorf("%s is neither old nor new: %d bytes %.20q (%w)", p, len(text), text, err)
		}
	}
	_, err := os.Lstat(s.path("/opt/app/keys/GONE"))
	text, _ := os.ReadFile(s.path("/opt/app/keys/TOKEN"))
	if exists := err == nil; exists != (string(text) == "old 2") {
		return n, errors.New("the directory is neither the old nor the new one")
	}
	return n, nil
}

func newText(i int) string { return strings.Repeat(fmt.Sprintf("%s %d\n", canary, i), 500) }

// search returns the drafts, and files other than the targets that hold a new value.
func (s *sandbox) search() (drafts, leaks []string) {
	_ = filepath.WalkDir(s.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			leaks = append(leaks, err.Error())
			return nil
		}
		name := strings.TrimPrefix(p, s.root)
		if strings.HasPrefix(d.Name(), ".ageenv.") || strings.HasPrefix(name, "/run/ageenv.") {
			drafts = append(drafts, name)
		}
		if d.Type().IsRegular() && !slices.Contains(replaced, name) {
			if text, err := os.ReadFile(p); err != nil || bytes.Contains(text, []byte(canary)) {
				leaks = append(leaks, name)
			}
		}
		return nil
	})
	return drafts, leaks
}

// A call of the program fails, or the program is ended at it: all files are the old ones or
// all are the new ones. Killed, each is old or new by itself. The next run leaves nothing
// over, in either case.
func TestInjection(t *testing.T) {
	needRoot(t)
	if _, err := os.Stat("/usr/bin/strace"); err != nil {
		t.Skip("no strace")
	}
	driver, err := filepath.Abs("testdata/traced.py")
	must(t, err)
	identity := newIdentity(t)
	script := filepath.Join(t.TempDir(), "firstboot.exec")
	must(t, os.WriteFile(script, []byte(render(t, identity,
		fileOf(t, identity, replaced[0], "0600", newText(0)), fileOf(t, identity, replaced[1], "0640", newText(1)),
		treeOf(t, identity, "/opt/app/keys", "0600", map[string]string{"TOKEN": newText(2), "tls.key": newText(3)}),
		fileOf(t, identity, replaced[4], "0600", newText(4))).Reveal()), 0o600))
	dir := t.TempDir()
	mountFS(t, "tmpfs", dir)

	counts, creates := countCalls(t, dir, script, driver)
	t.Logf("calls: %v, %d of openat create a file", counts, len(creates))
	type injection struct{ call, way string }
	var todo []injection
	for _, call := range slices.Sorted(maps.Keys(counts)) {
		for n := 1; n <= counts[call]; n++ {
			for i, way := range ways {
				if looks := slices.Contains(inTurns, call) && !(call == "openat" && creates[n]); looks && n%(2*len(ways)) != 2*i {
					continue
				}
				todo = append(todo, injection{call, fmt.Sprintf("%s:%s:when=%d", call, way, n)})
			}
		}
	}
	// From some call on, as when a disk is full.
	for _, call := range []string{"write", "pwrite64", "mkdirat", "fsync"} {
		for n := 1; n <= counts[call]; n++ {
			todo = append(todo, injection{call, fmt.Sprintf("%s:error=ENOSPC:when=%d+", call, n)})
		}
	}
	// Some of them, or one with its log: renameat2:, or renameat2:error=EIO:when=3.
	if only := os.Getenv("AGEENV_INJECT"); only != "" {
		todo = slices.DeleteFunc(todo, func(i injection) bool { return !strings.HasPrefix(i.way, only) || strings.Contains(only, "when") })
		if len(todo) == 0 {
			todo = []injection{{strings.Split(only, ":")[0], only}}
		}
	}
	var wait sync.WaitGroup
	var next, mixed, wentOn, unexpected atomic.Int64
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(todo); i = int(next.Add(1)) - 1 {
				place := filepath.Join(dir, fmt.Sprint(i))
				s, err := newSandbox(place, script)
				if err != nil {
					t.Error(err)
					return
				}
				got := s.traced(t.Context(), driver, "-o", place+"/log", "-e", "trace="+todo[i].call, "-e", "inject="+todo[i].way)
				for _, wrong := range s.judge(t.Context(), todo[i].way, got, &mixed, &wentOn) {
					t.Errorf("%s: code %d: %s\n%s", todo[i].way, got.code, wrong, got.out)
				}
				if strings.Contains(got.out, "unexpected") {
					unexpected.Add(1)
					if testing.Verbose() {
						t.Logf("%s: %s", todo[i].way, got.out)
					}
				}
				if len(todo) == 1 {
					log, _ := os.ReadFile(place + "/log")
					t.Logf("%s", log)
				}
				_ = os.RemoveAll(place)
			}
		})
	}
	wait.Wait()
	t.Logf("%d runs in %v: %d succeeded all the same, %d were killed between two files, %d met an error that has no reason of its own",
		len(todo), time.Since(began).Round(time.Second), wentOn.Load(), mixed.Load(), unexpected.Load())
	if os.Getenv("AGEENV_INJECT") == "" && (len(todo) < 500 || mixed.Load() == 0) {
		t.Error("that is too few: were calls renamed?")
	}
}

// countCalls returns how often each call is made by a run that nothing hinders, and which
// of openat create a file.
func countCalls(t *testing.T, dir, script, driver string) (map[string]int, map[int]bool) {
	t.Helper()
	s, err := newSandbox(filepath.Join(dir, "count"), script)
	must(t, err)
	log := filepath.Join(dir, "calls")
	got := s.traced(t.Context(), driver, "-o", log, "-e", "trace="+strings.Join(append(injected, inTurns...), ","))
	if n, err := s.state(); got.code != 0 || n != len(replaced) || err != nil {
		t.Fatalf("code %d, %d files are new (%v): %s", got.code, n, err, got.out)
	}
	text, err := os.ReadFile(log)
	must(t, err)
	counts, creates := map[string]int{}, map[int]bool{}
	for line := range strings.Lines(string(text)) {
		if name, _, found := strings.Cut(line, "("); found {
			counts[name]++
			if name == "openat" && strings.Contains(line, "O_CREAT") {
				creates[counts[name]] = true
			}
		}
	}
	return counts, creates
}

// judge returns what is wrong after a run, and after another one in peace.
func (s *sandbox) judge(ctx context.Context, way string, got outcome, mixed, wentOn *atomic.Int64) []string {
	var wrong []string
	killed := strings.Contains(way, "KILL")
	n, err := s.state()
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if some := n != 0 && n != len(replaced); some && !killed {
		wrong = append(wrong, fmt.Sprintf("%d of %d files are new", n, len(replaced)))
	} else if some {
		mixed.Add(1)
	}
	if got.code == 0 {
		wentOn.Add(1)
		if n != len(replaced) {
			wrong = append(wrong, "the run says that it succeeded")
		}
	}
	if got.hung {
		wrong = append(wrong, "the run hung")
	}
	if strings.Contains(got.out, "Traceback") || strings.Contains(got.out, canary) {
		wrong = append(wrong, "the run says too much")
	}
	// What cannot be removed now is left to the next run.
	drafts, leaks := s.search()
	if !killed && !strings.HasPrefix(way, "unlinkat") && len(drafts)+len(leaks) > 0 {
		wrong = append(wrong, fmt.Sprintf("left over: %q, with a value: %q", drafts, leaks))
	}
	list, _ := os.ReadFile(s.path("/var/lib/ageenv/drafts"))
	if len(drafts)+len(leaks)+len(list) == 0 && !killed {
		// There is nothing to heal.
		return wrong
	}
	again := s.run(ctx, "/bin/sh", s.script)
	if n, err := s.state(); again.code != 0 || n != len(replaced) || err != nil {
		wrong = append(wrong, fmt.Sprintf("the next run: code %d, %d of %d files are new (%v): %s", again.code, n, len(replaced), err, again.out))
	}
	list, _ = os.ReadFile(s.path("/var/lib/ageenv/drafts"))
	if drafts, leaks := s.search(); len(drafts)+len(leaks)+len(list) > 0 {
		wrong = append(wrong, fmt.Sprintf("after the next run: left over %q, with a value %q, on the list %q", drafts, leaks, list))
	}
	return wrong
}

// What cannot be removed today stays on the list, whenever a run is ended: the list is
// never shorter for a moment than what is left to do.
func TestListOutlivesInjection(t *testing.T) {
	needRoot(t)
	if _, err := os.Stat("/usr/bin/strace"); err != nil {
		t.Skip("no strace")
	}
	driver, err := filepath.Abs("testdata/traced.py")
	must(t, err)
	identity := newIdentity(t)
	script := filepath.Join(t.TempDir(), "firstboot.exec")
	must(t, os.WriteFile(script, []byte(render(t, identity, fileOf(t, identity, "/srv/one", "0600", newText(0))).Reveal()), 0o600))
	dir := t.TempDir()
	mountFS(t, "tmpfs", dir)
	const stays, goes = "/srv/app/.ageenv.0123456789abcdef", "/srv/.ageenv.fedcba9876543210"
	runs := 0
	for _, call := range []string{"write", "pwrite64", "ftruncate", "renameat"} {
		for _, way := range []string{"signal=KILL", "error=ENOSPC"} {
			for n := 1; ; n++ {
				place := filepath.Join(dir, fmt.Sprint(runs))
				s, err := newSandbox(place, script)
				must(t, err)
				b := box{t, s.root}
				b.put("/srv/real/"+filepath.Base(stays), "a draft", 0o600)
				b.put(goes, "a draft", 0o600)
				b.put("/var/lib/ageenv/drafts", stays+"\n"+goes+"\n", 0o600)
				// The draft's directory gave way to a symlink of the user's.
				b.link("real", "/srv/app")
				inject := fmt.Sprintf("%s:%s:when=%d", call, way, n)
				got := s.traced(t.Context(), driver, "-o", place+"/log", "-e", "trace="+call, "-e", "inject="+inject)
				log, err := os.ReadFile(place + "/log")
				must(t, err)
				if !strings.Contains(string(log), "INJECTED") && !strings.Contains(string(log), "killed by SIGKILL") {
					break
				}
				runs++
				must(t, os.Remove(s.path("/srv/app")))
				must(t, os.Rename(s.path("/srv/real"), s.path("/srv/app")))
				if again := s.run(t.Context(), "/bin/sh", s.script); again.code != 0 {
					t.Errorf("%s: code %d, then %d: %s", inject, got.code, again.code, again.out)
				}
				if _, err := os.Lstat(s.path(stays)); err == nil {
					t.Errorf("%s: code %d: the draft is off the list, and still there", inject, got.code)
				}
				must(t, os.RemoveAll(place))
			}
		}
	}
	t.Logf("%d runs", runs)
	if runs < 30 {
		t.Error("that is too few: were calls renamed?")
	}
}
