package firstboot

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Each fault leaves two old files as they were, nothing of the run's own, and a
// reason in the exit code, on standard error and in the status file.
func TestFaultsLeaveOldFiles(t *testing.T) {
	identity, other := newIdentity(t), newIdentity(t)
	const first, second = "/srv/one", "/srv/two"
	broken := func(change func(f *File)) []File {
		files := []File{fileOf(t, identity, first, canary+"1"), fileOf(t, identity, second, canary+"2")}
		change(&files[1])
		return files
	}
	flip := func(at func(payload []byte) int) []File {
		return broken(func(f *File) { f.Payload[at(f.Payload)] ^= 1 })
	}
	whole := broken(func(*File) {})
	for _, tt := range []struct {
		name    string
		files   []File
		has     int
		arrange func(b *box)
		code    int
		reason  string
		message string
	}{
		{
			"other identity, reader", broken(func(f *File) { f.Payload = seal(t, canary, other.Recipient()) }), hasPython, nil,
			5, "wrong-identity", second + ": the payload is sealed to another identity",
		},
		{
			"other identity, age", broken(func(f *File) { f.Payload = seal(t, canary, other.Recipient()) }), hasAge, nil,
			5, "wrong-identity", second + ": the payload is sealed to another identity",
		},
		{
			"other identity, both", broken(func(f *File) { f.Payload = seal(t, canary, other.Recipient()) }), hasAge | hasPython, nil,
			5, "wrong-identity", second + ": the payload is sealed to another identity",
		},
		{
			"altered header", flip(func([]byte) int { return 3 }), hasPython, nil,
			5, "payload-malformed", second + ": the payload's header is malformed",
		},
		{
			"altered MAC", broken(func(f *File) {
				// To another letter of base64, or it would be malformed.
				at := bytes.Index(f.Payload, []byte("--- ")) + 4
				f.Payload[at] = map[bool]byte{true: 'B', false: 'A'}[f.Payload[at] == 'A']
			}), hasPython, nil,
			5, "payload-altered", second + ": the payload is altered or cut off",
		},
		{
			"altered end, reader", flip(func(p []byte) int { return len(p) - 1 }), hasPython, nil,
			5, "payload-altered", second + ": the payload is altered or cut off",
		},
		{
			"altered end, age", flip(func(p []byte) int { return len(p) - 1 }), hasAge, nil,
			5, "payload-altered", second + ": the payload is altered or cut off",
		},
		{"altered second chunk, age", broken(func(f *File) {
			f.Payload = seal(t, strings.Repeat(canary, 4000), identity.Recipient())
			f.Payload[len(f.Payload)-1] ^= 1
		}), hasAge, nil, 5, "payload-altered", second + ": the payload is altered or cut off"},
		{
			"cut off payload", broken(func(f *File) { f.Payload = f.Payload[:len(f.Payload)-20] }), hasPython, nil,
			5, "payload-altered", second + ": the payload is altered or cut off",
		},
		{"tar as a file", broken(func(f *File) {
			f.Payload = directoryOf(t, identity, second, map[string]string{"KEY": canary}).Payload
		}), hasPython, nil, 5, "payload-malformed", second + ": the payload is a tar of one file for each key"},
		{"symlink", broken(func(f *File) { f.Path = "/srv/link" }), hasPython, func(b *box) {
			if err := os.Symlink("two", b.path("/srv/link")); err != nil {
				t.Fatal(err)
			}
		}, 7, "target-symlink", "/srv/link: is a symlink and is not written through"},
		{"dangling symlink", broken(func(f *File) { f.Path = "/srv/link" }), hasPython, func(b *box) {
			if err := os.Symlink("nowhere", b.path("/srv/link")); err != nil {
				t.Fatal(err)
			}
		}, 7, "target-symlink", "/srv/link: is a symlink"},
		{"directory with something in it", broken(func(f *File) { f.Path = "/srv/dir" }), hasPython, func(b *box) {
			b.put("/srv/dir/.hidden", "x", 0o600)
		}, 7, "target-directory", "/srv/dir: is a directory that is not empty"},
		{"pipe", broken(func(f *File) { f.Path = "/srv/pipe" }), hasPython, func(b *box) {
			if err := exec.Command("mkfifo", b.path("/srv/pipe")).Run(); err != nil {
				t.Fatal(err)
			}
		}, 7, "target-special", "/srv/pipe: is neither a file nor a directory"},
		{
			"file in place of a directory", broken(func(f *File) { f.Path = "/srv/two/below" }), hasPython, nil,
			8, "write", "/srv/two/below: cannot make its directory",
		},
		{"no python", whole, hasAge, func(b *box) { b.remove("python3") }, 3, "no-python", "python3 is missing"},
		{"python is broken", whole, hasAge, func(b *box) { b.fake("python3", "echo "+canary+"; exit 1") }, 3, "no-python", "python3 is missing"},
		{"no systemd", whole, hasPython, func(b *box) {
			b.fake("mktemp", "echo unpacked >&2; exit 1")
			if err := os.RemoveAll(b.path("/run")); err != nil {
				t.Fatal(err)
			}
		}, 12, "no-systemd", "systemd does not run here"},
		{
			"no private directory", whole, hasPython, func(b *box) { b.fake("mktemp", "exit 1") },
			4, "run-dir", "cannot create a private directory",
		},
		{"age lies", whole, hasAge, func(b *box) {
			b.fake("age", "echo "+canary+"; echo "+canary+" >&2; exit 1")
		}, 5, "open-failed", first + ": age cannot open the payload, which is intact"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, tt.has)
			b.put(first, "old one", 0o640)
			b.put(second, "old two", 0o644)
			if tt.arrange != nil {
				tt.arrange(b)
			}
			before := [2]fileStat{b.stat(first), b.stat(second)}
			got := b.run(renderUnopened(t, identity, tt.files...))
			b.wantFailure(got, tt.code, tt.reason, tt.message)
			b.want(first, "old one")
			b.want(second, "old two")
			for i, p := range []string{first, second} {
				after := b.stat(p)
				// A second name that came and went shows in the ctime.
				after.ctime = before[i].ctime
				if after != before[i] {
					t.Errorf("%s: %+v, then %+v", p, before[i], after)
				}
			}
			for _, f := range b.status().Files {
				if f.State != "kept" {
					t.Errorf("status: %s is %q, want kept", f.Path, f.State)
				}
			}
			if leak := leakIn(got.stdout + got.stderr); leak != "" {
				t.Errorf("output holds %s", leak)
			}
			b.wantClean()
		})
	}
}

// An age that cannot be executed is as good as none: the reader opens the payload.
func TestReaderServesWithoutAge(t *testing.T) {
	identity := newIdentity(t)
	for _, code := range []string{"126", "127"} {
		b := newBox(t, hasPython)
		b.fake("age", "exit "+code)
		got := b.drop(mustRender(t, identity, fileOf(t, identity, "/f", canary)))
		b.want("/f", canary)
		if s := b.status(); s.Decryptor != "python" || !strings.Contains(got.stderr, "age cannot be executed") {
			t.Errorf("by %q, stderr %q", s.Decryptor, got.stderr)
		}
	}
}

func TestPlatformPythonCounts(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.remove("python3")
	if err := os.MkdirAll(b.path("/usr/libexec"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(needPython(t), b.path("/usr/libexec/platform-python")); err != nil {
		t.Fatal(err)
	}
	b.drop(mustRender(t, identity, fileOf(t, identity, "/f", canary)))
	b.want("/f", canary)
}

// A user who does not exist yet may still be made: everything is kept, and the run is
// tried again. What is in place stays meanwhile.
func TestOwnerWhoComesLater(t *testing.T) {
	needRoot(t, "give files to others")
	identity := newIdentity(t)
	for _, change := range []func(f *File){func(f *File) { f.Owner = "nobody-of-that-name" }, func(f *File) { f.Group = "no-group-of-that-name" }} {
		b := newBox(t, hasPython)
		b.fakeSystemd("")
		first, second := fileOf(t, identity, "/srv/one", canary+"1"), fileOf(t, identity, "/srv/two", canary+"2")
		change(&second)
		b.put("/srv/one", "old one", 0o640)
		script := travelling(identity, first, second)
		script.RestartUnits = []string{"app.service"}
		got := b.drop(script.mustRender(t))
		if s := b.status(); s.Result != "waiting" || s.Reason != "owner" || s.ExitCode != 0 || !strings.Contains(got.stderr, "/srv/two: cannot give it to") {
			t.Errorf("status %+v, stderr %q", s, got.stderr)
		}
		if calls := b.called(); !strings.HasSuffix(calls, "systemctl --no-block start ageenv-wait.service\n") || strings.Contains(calls, "restart") {
			t.Errorf("called:\n%s", calls)
		}
		b.want("/srv/one", "old one")
		b.wantNothing("/srv/two")
		if mode := b.stat(keptIdentity).mode.Perm(); mode != 0o600 {
			t.Errorf("the identity is kept with mode %v", mode)
		}
		// It exists by now; so the plan says.
		plan, err := os.ReadFile(b.path("/var/lib/ageenv/plan"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{"plan", "late"} {
			b.put("/var/lib/ageenv/"+p, strings.NewReplacer("nobody-of-that-name", "daemon", "no-group-of-that-name", "bin").Replace(string(plan)), 0o600)
		}
		if got := b.tool("wait"); got.code != 0 {
			t.Errorf("code %d: %s", got.code, got.stderr)
		}
		b.want("/srv/one", canary+"1")
		b.want("/srv/two", canary+"2")
		if s := b.status(); s.Result != "ok" || s.Files[0].State != "written" {
			t.Errorf("status %+v", s)
		}
		if calls := b.called(); !strings.Contains(calls, "restart -- app.service\n") {
			t.Errorf("called:\n%s", calls)
		}
		for _, p := range []string{keptIdentity, keptPayload(first), keptPayload(second), "/var/lib/ageenv/late", "/var/lib/ageenv/pending"} {
			b.wantNothing(p)
		}
		b.wantClean("/srv/one", "/srv/two")
	}
}

func TestBadPrefix(t *testing.T) {
	identity := newIdentity(t)
	script := mustRender(t, identity, fileOf(t, identity, "/f", canary))
	missing := t.TempDir() + "/missing"
	for _, root := range []string{"relative", "./x", missing} {
		b := newBox(t, hasPython)
		b.env = []string{"AGEENV_ROOT=" + root}
		if got := b.run(script); got.code != 2 || !strings.Contains(got.stderr, "AGEENV_ROOT is not a") {
			t.Errorf("%s: code %d, %s", root, got.code, got.stderr)
		}
	}
	if _, err := os.Lstat(missing); err == nil {
		t.Error("the prefix was made")
	}
}

// A status that cannot be written is said, but the files count.
func TestStatusCannotBeWritten(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.put("/var/lib/ageenv/status.json/in/the/way", "x", 0o644)
	got := b.drop(mustRender(t, identity, fileOf(t, identity, "/f", canary)))
	b.want("/f", canary)
	if !strings.Contains(got.stderr, "status.json cannot be written") {
		t.Errorf("stderr: %q", got.stderr)
	}
}

// Real file systems, in a mount namespace of their own: one that is full, one
// that is read-only, and a target that cannot be renamed over.
func TestFullAndReadOnlyDisks(t *testing.T) {
	needRoot(t, "mount")
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("unshare is not installed")
	}
	if out, err := exec.Command(unshare, "-m", "mount", "-t", "tmpfs", "none", t.TempDir()).CombinedOutput(); err != nil {
		t.Skipf("no mounts here: %s", out)
	}
	identity := newIdentity(t)
	for _, tt := range []struct {
		name, mount, message string
	}{
		{"full", "mount -t tmpfs -o size=64k none $M; echo old >$M/f", "/disk/f: cannot write next to it"},
		{"read-only", "mount -t tmpfs none $M; echo old >$M/f; mount -o remount,ro $M", "/disk/f: cannot write next to it"},
		{"mounted file", "echo old >$M/f; mount --bind $M/f $M/f", "/disk/f: is a mount of its own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			if err := os.Mkdir(b.path("/disk"), 0o755); err != nil {
				t.Fatal(err)
			}
			b.shell = []string{unshare, "-m", "/bin/sh", "-c", "M=" + b.path("/disk") + "; " + tt.mount +
				`; /bin/sh "$1"; code=$?; [ "$(ls -A $M)" = f ] || exit 100; [ "$(cat $M/f)" = old ] || exit 101; exit $code`, "sh"}
			got := b.run(mustRender(t, identity, fileOf(t, identity, "/before", canary), fileOf(t, identity, "/disk/f", strings.Repeat(canary, 8000))))
			if got.code != 8 && got.code != 4 && got.code != 7 || !strings.Contains(got.stderr, "ageenv: "+tt.message) {
				t.Errorf("got code %d: %s", got.code, got.stderr)
			}
			if leak := leakIn(got.stderr); leak != "" {
				t.Errorf("stderr holds %s", leak)
			}
			b.wantNothing("/before")
			// The next boot tries again.
			b.wantClean(keptIdentity)
		})
	}
}
