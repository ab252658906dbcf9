package firstboot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killAt makes every tool of the box count its calls, and send the script's
// shell a signal at the nth. With n = 0, nothing is sent. It returns the file
// that holds the count.
//
// Killed before or after the tool has done its work. Terminated: the shell waits
// for the tool, as it would for any.
func (b *box) killAt(n int, signal string) string {
	b.t.Helper()
	dir := b.t.TempDir()
	count := filepath.Join(dir, "count")
	if err := os.WriteFile(count, []byte("0\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	act := map[string]string{
		"":     `exec REAL "$@"`,
		"TERM": `kill -TERM "$pid"; exec REAL "$@"`,
		"HUP":  `kill -HUP "$pid"; exec REAL "$@"`,
		// The shell may be gone before kill returns; what follows still runs.
		"KILL before": `kill -KILL "$pid"; exit 0`,
		"KILL after":  `REAL "$@"; kill -KILL "$pid"; exit 0`,
	}[signal]
	for _, tool := range append([]string{"age"}, allTools...) {
		b.fake(tool, fmt.Sprintf(`read -r n <%[1]s/count; n=$((n + 1)); echo $n >%[1]s/count
[ $n = %[2]d ] || exec REAL "$@"
read -r pid <%[1]s/pid
%[3]s`, dir, n, act))
	}
	b.shell = []string{"/bin/sh", "-c", "echo $$ >" + dir + `/pid; exec /bin/sh "$1"`, "sh"}
	return count
}

func readCount(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return atoi(t, string(text))
}

// Ended at every single call of a tool, killed at each, by turns before and after its
// work, and at each asked to end, by turns as by a service manager and by a terminal
// that is gone: each file is the old or the new one,
// whole; a run that could clean up has left nothing and taken all back or none;
// and the next run heals what the other could not.
func TestKilledAtEveryStep(t *testing.T) {
	identity := newIdentity(t)
	old := map[string]string{"/srv/one": "old one", "/srv/two": "old two", "/srv/four/KEY": "old four"}
	dropped := []File{
		fileOf(t, identity, "/srv/one", canary+"1"), fileOf(t, identity, "/srv/two", canary+"2"),
		fileOf(t, identity, "/fresh/three", canary+"3"), directoryOf(t, identity, "/srv/four", map[string]string{"KEY": canary + "4"}),
	}
	script := mustRender(t, identity, dropped...)
	// With python3, as the directory is exchanged: between two renames, there is a
	// moment without one.
	arrange := func(t *testing.T) *box {
		b := newBox(t, hasAge|hasPython)
		for p, text := range old {
			b.put(p, text, 0o600)
		}
		b.put("/var/lib/ageenv/directories", "/srv/four\n", 0o600)
		return b
	}
	b, healthy := arrange(t), newBox(t, hasAge|hasPython)
	count := b.killAt(0, "")
	b.drop(script)
	steps := readCount(t, count)
	t.Logf("%d steps", steps)
	if steps < 30 {
		t.Fatalf("only %d calls were counted", steps)
	}
	for n := 1; n <= steps; n++ {
		for _, signal := range []string{[]string{"KILL before", "KILL after"}[n%2], []string{"TERM", "HUP"}[n/2%2]} {
			t.Run(fmt.Sprintf("%s %d", signal, n), func(t *testing.T) {
				t.Parallel()
				b := arrange(t)
				b.killAt(n, signal)
				got := b.run(script)
				if leak := leakIn(got.stdout + got.stderr); leak != "" {
					t.Errorf("output holds %s", leak)
				}
				// Exit code 0 if it came when everything was done.
				wanted, asked := map[string]int{"TERM": 143, "HUP": 129}[signal]
				if asked && got.code != wanted && got.code != 0 || !asked && got.code != -1 {
					t.Errorf("exit code %d: %s", got.code, got.stderr)
				}
				written := b.countNew(old, canary)
				if asked {
					if written != 0 && written != len(droppedPaths) {
						t.Errorf("%d of %d files are new", written, len(droppedPaths))
					}
					b.wantClean(droppedPaths...)
					if s := b.status(); s.ExitCode != got.code {
						t.Errorf("status: exit code %d, want %d", s.ExitCode, got.code)
					}
					// It has cleaned up itself; what a next run does is shown often enough.
					return
				}
				b.shell, b.bin = []string{"/bin/sh"}, healthy.bin
				b.drop(script)
				for i, p := range droppedPaths {
					b.want(p, canary+fmt.Sprint(i+1))
				}
				b.wantClean(droppedPaths...)
			})
		}
	}
}

// droppedPaths are the files that are dropped while the run is killed.
var droppedPaths = []string{"/srv/one", "/srv/two", "/fresh/three", "/srv/four/KEY"}

// countNew asserts that each file is old or new, and counts the new ones.
func (b *box) countNew(old map[string]string, prefix string) int {
	b.t.Helper()
	n := 0
	for _, p := range droppedPaths {
		text, err := os.ReadFile(b.path(p))
		was, existed := old[p]
		switch {
		case err == nil && strings.HasPrefix(string(text), prefix) && len(text) == len(prefix)+1:
			n++
		case err == nil && existed && string(text) == was:
		case errors.Is(err, fs.ErrNotExist) && !existed:
		default:
			b.t.Errorf("%s: neither old nor new: %q (%v)", p, text, err)
		}
	}
	return n
}

// A run that is still going must not lose what it has staged to another's
// cleaning up.
func TestLeftoversOfLivingRunsAreSpared(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	living := fmt.Sprintf("ageenv.%d.abcdef", os.Getpid())
	// Of a run before a reboot, whose process number is in use again.
	rebooted := fmt.Sprintf("ageenv.%d.fedcba", os.Getpid())
	// No process has a number that high.
	dead := "ageenv.4194999.abcdef"
	for _, p := range []string{
		"/run/" + living + "/plain.1", "/run/" + dead + "/plain.1", "/srv/." + living + ".n1", "/srv/." + dead + ".n1", "/srv/." + dead + ".o1",
		"/srv/." + rebooted + ".n1", "/srv/.ageenv.local", "/srv/.ageenv.mine.backup.txt", "/var/lib/ageenv/." + dead + ".n0",
	} {
		b.put(p, "x", 0o600)
	}
	b.drop(mustRender(t, identity, fileOf(t, identity, "/srv/f", canary)))
	for _, p := range []string{"/run/" + living + "/plain.1", "/srv/." + living + ".n1", "/srv/.ageenv.local", "/srv/.ageenv.mine.backup.txt"} {
		b.want(p, "x")
	}
	for _, p := range []string{"/run/" + dead, "/srv/." + dead + ".n1", "/srv/." + dead + ".o1", "/srv/." + rebooted + ".n1", "/var/lib/ageenv/." + dead + ".n0"} {
		b.wantNothing(p)
	}
}

// However much of the script is cut off, nothing is done, and from where it can
// it says so.
func TestCutOffScriptDoesNothing(t *testing.T) {
	identity := newIdentity(t)
	text := mustRender(t, identity, fileOf(t, identity, "/srv/f", canary)).Reveal()
	const trap, last = "\ntrap 'fail 1 ", ". \"$priv/ageenv\"\n"
	armed := strings.Index(text, trap) + len(trap)
	armed += strings.Index(text[armed:], "\n") + 1
	end := strings.LastIndex(text, last)
	var cuts []int
	for cut := 0; cut < end; cut += 251 {
		cuts = append(cuts, cut)
	}
	// The end of each line behind the trap, and the last word itself.
	for i := armed; i < end; i++ {
		if text[i] == '\n' {
			cuts = append(cuts, i)
		}
	}
	cuts = append(cuts, end, end+1, end+2, end+3, end+len(last)-3)
	for _, shell := range shells(t) {
		if shell.name != "dash" && shell.name != "bash" {
			continue
		}
		b := newBox(t, hasPython)
		b.shell = shell.command
		b.put("/srv/f", "old", 0o600)
		for _, cut := range cuts {
			got := b.run(secretOf(text[:cut]))
			if cut >= armed && got.code == 0 {
				t.Errorf("%s, cut at %d of %d: exit code 0", shell.name, cut, len(text))
			}
			if leak := leakIn(got.stdout + got.stderr); leak != "" {
				t.Errorf("%s, cut at %d: output holds %s", shell.name, cut, leak)
			}
			b.want("/srv/f", "old")
		}
		if s := b.status(); s.Result != "failed" {
			t.Errorf("%s: status %q", shell.name, s.Result)
		}
		b.wantFailure(b.run(secretOf(text[:end])), 1, "cut-off", "the script ends too early")
		b.wantClean()
	}
}

// From outside, at no particular moment, as a power cut would come.
func TestTerminatedFromOutside(t *testing.T) {
	identity := newIdentity(t)
	script := mustRender(t, identity, fileOf(t, identity, "/srv/f", strings.Repeat(canary, 2000)))
	for delay := range 8 {
		b := newBox(t, hasPython)
		b.put("/srv/f", "old", 0o600)
		b.shell = []string{"/bin/sh", "-c", fmt.Sprintf(`/bin/sh "$1" & sleep %.3f; kill -TERM $! 2>/dev/null; wait $!`, 0.015*float64(delay)), "sh"}
		started := time.Now()
		got := b.run(script)
		text, err := os.ReadFile(b.path("/srv/f"))
		if whole := string(text) == strings.Repeat(canary, 2000); err != nil || !whole && string(text) != "old" {
			t.Errorf("after %v: code %d, %d bytes (%v)", time.Since(started), got.code, len(text), err)
		}
		b.wantClean("/srv/f")
	}
}
