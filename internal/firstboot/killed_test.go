package firstboot

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A draft of a run that was killed is removed by the next one if it is on the list, and
// nothing else is: neither what has such a name, nor what others have put there.
func TestListedDraftsAreRemoved(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	draft := func(n int) string { return fmt.Sprintf(".ageenv.%016x", n) }
	b.put("/srv/"+draft(1), canary, 0o600)
	b.put("/srv/"+draft(2), "x", 0o600)
	b.put("/srv/"+draft(3)+"/KEY", canary, 0o600)
	b.put("/srv/"+draft(4)+"/others", "x", 0o600)
	b.put("/srv/passwd", "x", 0o600)
	info, err := os.Stat(b.path("/srv/" + draft(3)))
	if err != nil {
		t.Fatal(err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("not the stat of Linux")
	}
	list := fmt.Sprintf("/srv/%s\n/srv/%s\n/srv/%s\t%d:%d\n/srv/%s\n/srv/passwd\n/gone/%s\n",
		draft(1), draft(3), draft(3), st.Dev, st.Ino, draft(4), draft(5))
	b.put(draftList, list, 0o600)
	b.drop(mustRender(t, identity, fileOf(t, identity, "/srv/f", canary)))
	for _, p := range []string{"/srv/" + draft(1), "/srv/" + draft(3)} {
		b.wantNothing(p)
	}
	for _, p := range []string{"/srv/" + draft(2), "/srv/" + draft(4) + "/others", "/srv/passwd"} {
		b.want(p, "x")
	}
}

// Two runs at once: one waits for the other, and both come to their end.
func TestOneRunAtATime(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	script := mustRender(t, identity, fileOf(t, identity, "/srv/f", canary), directoryOf(t, identity, "/srv/d", someKeys))
	b.shell = []string{"/bin/sh", "-c", `for i in 1 2 3 4; do /bin/sh "$1" & done; wait`, "sh"}
	got := b.drop(script)
	if n := strings.Count(got.stdout, "/srv/f "+myUser+":"+myGroup+" 0600 written\n"); n != 1 || strings.Count(got.stdout, " unchanged\n") != 6 || got.stderr != "" {
		t.Errorf("stdout %q, stderr %q", got.stdout, got.stderr)
	}
	b.wantClean("/srv/f", "/srv/d/TOKEN", "/srv/d/tls.key")
}

// From outside, at moments spread over a run, as a power cut would come.
func TestTerminatedFromOutside(t *testing.T) {
	identity := newIdentity(t)
	text := strings.Repeat(canary, 2000)
	script := mustRender(t, identity, fileOf(t, identity, "/srv/f", text))
	whole := newBox(t, hasPython)
	started := time.Now()
	whole.drop(script)
	took := time.Since(started)
	const moments = 16
	for i := range moments {
		b := newBox(t, hasPython)
		b.put("/srv/f", "old", 0o600)
		shell, delay := b.shell, took*time.Duration(i)/moments
		b.shell = []string{"/bin/sh", "-c", fmt.Sprintf(`/bin/sh "$1" & sleep %.3f; kill -TERM $! 2>/dev/null; wait $!`, delay.Seconds()), "sh"}
		got := b.run(script)
		left, err := os.ReadFile(b.path("/srv/f"))
		if err != nil || string(left) != text && string(left) != "old" {
			t.Errorf("cut off after %v: code %d, %d bytes (%v)", delay, got.code, len(left), err)
		}
		// A run that is cut off keeps what the next one needs; that one keeps nothing.
		b.wantClean("/srv/f", keptIdentity)
		b.shell = shell
		b.drop(script)
		b.want("/srv/f", text)
		b.wantClean("/srv/f")
	}
}
