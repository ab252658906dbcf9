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
			5, "open-failed", second + ": age cannot open the payload",
		},
		{
			"other identity, both", broken(func(f *File) { f.Payload = seal(t, canary, other.Recipient()) }), hasAge | hasPython, nil,
			5, "wrong-identity", second + ": age cannot open the payload; trying the embedded reader",
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
			5, "open-failed", second + ": age cannot open",
		},
		{"altered second chunk, age", broken(func(f *File) {
			f.Payload = seal(t, strings.Repeat(canary, 4000), identity.Recipient())
			f.Payload[len(f.Payload)-1] ^= 1
		}), hasAge, nil, 5, "open-failed", second + ": age cannot open"},
		{
			"cut off payload", broken(func(f *File) { f.Payload = f.Payload[:len(f.Payload)-20] }), hasPython, nil,
			5, "payload-altered", second + ": the payload is altered or cut off",
		},
		{
			"unknown owner", broken(func(f *File) { f.Owner = "nobody-of-that-name" }), hasPython, nil,
			6, "owner", second + ": cannot give it to nobody-of-that-name:",
		},
		{
			"unknown group", broken(func(f *File) { f.Group = "no-group-of-that-name" }), hasPython, nil,
			6, "owner", second + ": cannot give it to",
		},
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
		{"second rename fails", whole, hasPython, func(b *box) {
			b.fake("mv", `case $3 in */srv/two) exit 1 ;; esac; exec REAL "$@"`)
		}, 8, "write", second + ": cannot be replaced"},
		{"disk full while staging", whole, hasPython, func(b *box) {
			b.fake("cp", `case $3 in *.n2) printf part >"$3"; exit 1 ;; esac; exec REAL "$@"`)
		}, 8, "write", second + ": cannot write beside it"},
		{"file system without modes", whole, hasPython, func(b *box) {
			b.fake("cp", `REAL "$@"; case $3 in *.n2) chmod 644 "$3" ;; esac`)
		}, 8, "write", second + ": its file system does not keep"},
		{
			"no age, no python", whole, 0, func(b *box) { b.fake("base64", "echo unpacked >&2; exit 1") },
			3, "no-decryptor", "neither age nor python3 is here",
		},
		{"no systemd", whole, hasPython, func(b *box) {
			b.fake("base64", "echo unpacked >&2; exit 1")
			if err := os.RemoveAll(b.path("/run")); err != nil {
				t.Fatal(err)
			}
		}, 12, "no-systemd", "systemd does not run here"},
		{"no coreutils", whole, hasPython, func(b *box) {
			if err := os.Remove(b.bin + "/sha256sum"); err != nil {
				t.Fatal(err)
			}
		}, 2, "missing-tool", "sha256sum is missing"},
		{
			"no private directory", whole, hasPython, func(b *box) { b.fake("mktemp", "exit 1") },
			4, "run-dir", "no private directory can be made",
		},
		{
			"run is full", whole, hasPython, func(b *box) { b.fake("base64", "exit 1") },
			4, "run-dir", "cannot unpack a payload",
		},
		{
			"python is broken", whole, 0, func(b *box) { b.fake("python3", "echo "+canary+"; exit 1") },
			5, "open-failed", first + ": the embedded reader ended with code 1",
		},
		{"age lies", whole, hasPython, func(b *box) {
			b.fake("age", "echo "+canary+"; echo "+canary+" >&2; exit 1")
			b.fake("python3", "exit 11")
		}, 5, "wrong-identity", first + ": age cannot open the payload; trying the embedded reader"},
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

// What was not there before is not there after a failure either.
func TestFaultsLeaveNoNewFiles(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.fake("mv", `case $3 in */new/two) exit 1 ;; esac; exec REAL "$@"`)
	b.wantFailure(b.run(mustRender(t, identity, fileOf(t, identity, "/new/one", canary), fileOf(t, identity, "/new/two", canary))),
		8, "write", "/new/two: cannot be replaced")
	b.wantNothing("/new/one")
	b.wantNothing("/new/two")
	b.wantClean()
}

// An age that cannot, beside a python that can: the files arrive, and the log
// says how.
func TestReaderStandsInForBrokenAge(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.fake("age", "echo half; exit 1")
	got := b.drop(mustRender(t, identity, fileOf(t, identity, "/f", canary)))
	b.want("/f", canary)
	if s := b.status(); s.Decryptor != "python" || !strings.Contains(got.stderr, "trying the embedded reader") {
		t.Errorf("by %q, stderr %q", s.Decryptor, got.stderr)
	}
}

func TestPlatformPythonCounts(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, 0)
	if err := os.MkdirAll(b.path("/usr/libexec"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(needPython(t), b.path("/usr/libexec/platform-python")); err != nil {
		t.Fatal(err)
	}
	b.drop(mustRender(t, identity, fileOf(t, identity, "/f", canary)))
	b.want("/f", canary)
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
	b.put("/var/lib", "a file", 0o644)
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
		{"full", "mount -t tmpfs -o size=64k none $M; echo old >$M/f", "/disk/f: cannot write beside it"},
		{"read-only", "mount -t tmpfs none $M; echo old >$M/f; mount -o remount,ro $M", "/disk/f: cannot write beside it"},
		{"run is full", "mount -t tmpfs -o size=64k none $M/../run; mkdir -p $M/../run/systemd/system; echo old >$M/f", "cannot "},
		{"mounted file", "echo old >$M/f; mount --bind $M/f $M/f", "/disk/f: cannot be replaced"},
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
			if got.code != 8 && got.code != 4 || !strings.Contains(got.stderr, "ageenv: "+tt.message) {
				t.Errorf("got code %d: %s", got.code, got.stderr)
			}
			if leak := leakIn(got.stderr); leak != "" {
				t.Errorf("stderr holds %s", leak)
			}
			b.wantNothing("/before")
			b.wantClean()
		})
	}
}
