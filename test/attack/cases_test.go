package attack

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const (
	older = canary + " old"
	newer = canary + " new"
)

// Each draft is attacked as it appears, in one way, five runs for each. Before drafts were
// handled by descriptor, /etc/shadow was the user's then, or a value could be read, or the
// run hung.
func TestDrafts(t *testing.T) {
	needRoot(t)
	protect(t, "0")
	for _, tt := range []struct{ kind, prey string }{
		{"symlink", "/etc/shadow"},
		{"late symlink", "/etc/shadow"},
		{"symlink", "/var/lib/private"},
		{"symlink", "/var/lib/vacant"},
		{"hard link", "/etc/shadow"},
		{"hard link", "/none"},
		{"FIFO", ""},
		{"open file", ""},
		{"lease", ""},
		{"directory", "/etc/shadow"},
		{"steal", ""},
		{"exchange", ""},
		{"remove", ""},
		{"swap directory", ""},
	} {
		t.Run(strings.TrimSpace(tt.kind+" "+tt.prey), func(t *testing.T) {
			t.Parallel()
			b := newBox(t, "tmpfs")
			jewels := b.jewels()
			identity := newIdentity(t)
			for n := range 5 {
				must(t, os.RemoveAll(b.path("/opt/app")))
				for _, dir := range userDirs {
					b.directory(dir)
				}
				b.put("/opt/app/.env", older, 0o600)
				stop := b.attack(orders{Seed: int64(n), Kind: tt.kind, Prey: tt.prey})
				got := b.run(render(t, identity,
					fileOf(t, identity, "/opt/app/.env", "0600", newer), fileOf(t, identity, "/opt/app/conf/group", "0640", newer),
					treeOf(t, identity, "/opt/app/conf/keys", "0600", map[string]string{"TOKEN": newer})))
				jewels.want()
				found := stop()
				if got.hung {
					t.Fatalf("the run did not end within %v", limit)
				}
				if len(found.Leaks) > 0 {
					t.Errorf("the user can read: %q", found.Leaks)
				}
				if got.code == 0 && tt.kind != "exchange" && tt.kind != "swap directory" {
					b.want("/opt/app/.env", newer, 0, 0o600)
					b.want("/opt/app/conf/group", newer, 0, 0o640)
					b.want("/opt/app/conf/keys/TOKEN", newer, 0, 0o600)
					b.wantMode("/opt/app/conf/keys", 0, 0, 0o700)
					if entries, _ := os.ReadDir(b.path("/opt/app/conf/keys")); len(entries) != 1 {
						t.Errorf("the directory holds %v", entries)
					}
				}
				if n := found.Moves[tt.kind] + found.Moves["guessed name"]; n == 0 {
					t.Error("the attacker saw no draft")
				}
			}
		})
	}
}

// The draft of a directory gives way to another one, which is ready for that, before it is
// opened. What is put in place is root's and holds nothing of the user's.
func TestDirectoryDraft(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	jewels := b.jewels()
	identity := newIdentity(t)
	failed := 0
	for n := range 25 {
		must(t, os.RemoveAll(b.path("/opt/app")))
		for _, dir := range userDirs {
			b.directory(dir)
		}
		stop := b.attack(orders{Seed: int64(n), Kind: "directory", Prey: "/etc/shadow"})
		got := b.run(render(t, identity, treeOf(t, identity, "/opt/app/conf/keys", "0600", map[string]string{"TOKEN": newer})))
		jewels.want()
		if found := stop(); len(found.Leaks) > 0 {
			t.Errorf("the user can read: %q", found.Leaks)
		}
		if got.code != 0 {
			failed++
			continue
		}
		b.want("/opt/app/conf/keys/TOKEN", newer, 0, 0o600)
		b.wantMode("/opt/app/conf/keys", 0, 0, 0o700)
		if entries, _ := os.ReadDir(b.path("/opt/app/conf/keys")); len(entries) != 1 {
			t.Errorf("the directory holds %v", entries)
		}
	}
	t.Logf("%d of 25 runs failed", failed)
	if failed == 0 {
		t.Error("the attacker always came too late")
	}
}

// The metrics' directory is node_exporter's. A draft that was a symlink made /etc/shadow
// readable by everybody.
func TestMetricsDirectory(t *testing.T) {
	needRoot(t)
	protect(t, "0")
	const dir = "/var/lib/prometheus/node-exporter"
	for _, kind := range []string{"symlink", "late symlink", "FIFO", "open file", "hard link", "exchange"} {
		t.Run(kind, func(t *testing.T) {
			b := newBox(t, "tmpfs")
			jewels := b.jewels()
			b.directory(dir)
			identity := newIdentity(t)
			script := render(t, identity, fileOf(t, identity, "/srv/file", "0600", newer))
			attacks := 0
			for n := range 5 {
				stop := b.attack(orders{Seed: int64(n), Kind: kind, Prey: "/etc/shadow"})
				if got := b.run(script); got.code != 0 || got.hung {
					t.Errorf("exit code %d: %s", got.code, got.out)
				}
				jewels.want()
				attacks += stop().Moves[kind]
			}
			if attacks == 0 {
				t.Error("the attacker saw no draft")
			}
		})
	}
	for _, name := range []string{"symlink", "FIFO", "directory"} {
		t.Run(name+" in place of ageenv.prom", func(t *testing.T) {
			b := newBox(t, "tmpfs")
			jewels := b.jewels()
			b.directory(dir)
			place := b.path(dir + "/ageenv.prom")
			must(t, map[string]func() error{
				"symlink":   func() error { return os.Symlink("/etc/shadow", place) },
				"FIFO":      func() error { return unix.Mkfifo(place, 0o666) },
				"directory": func() error { return os.Mkdir(place, 0o777) },
			}[name]())
			identity := newIdentity(t)
			b.drop(render(t, identity, fileOf(t, identity, "/srv/file", "0600", newer)))
			jewels.want()
			b.wantNoDrafts()
		})
	}
	t.Run("symlink in place of the directory", func(t *testing.T) {
		b := newBox(t, "tmpfs")
		jewels := b.jewels()
		b.directory("/var/lib/prometheus")
		must(t, os.Symlink("/etc/open", b.path(dir)))
		b.give(dir)
		identity := newIdentity(t)
		b.drop(render(t, identity, fileOf(t, identity, "/srv/file", "0600", newer)))
		jewels.want()
	})
}

// lease takes a write lease, which the user could as the file's owner. It is held until the
// test ends.
func lease(t testing.TB, p string) {
	t.Helper()
	file, err := os.OpenFile(p, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
}

// What the user can put in the place of an identity file. It was made root's by name; a
// symlink to /etc/passwd locked everybody out.
func TestIdentityFileOfUser(t *testing.T) {
	needRoot(t)
	protect(t, "0")
	identity := newIdentity(t)
	const file = "/opt/id/key.txt"
	key := identity.String() + "\n"
	for _, tt := range []struct {
		name   string
		put    func(b *box)
		code   int
		reason string
	}{
		{"regular", func(b *box) {}, 0, ""},
		{"readable by all", func(b *box) { must(b.t, os.Chmod(b.path(file), 0o4777)) }, 0, ""},
		{"symlink to root's file", func(b *box) { b.link("/etc/shadow", file) }, 7, "parent-symlink"},
		{"symlink to own file", func(b *box) {
			must(b.t, os.Rename(b.path(file), b.path("/opt/id/real")))
			b.link("real", file)
		}, 7, "parent-symlink"},
		{"hard link of root's file", func(b *box) {
			must(b.t, os.Remove(b.path(file)))
			must(b.t, os.Link(b.path("/etc/shadow"), b.path(file)))
		}, 9, "identity-open"},
		{"FIFO", func(b *box) {
			must(b.t, os.Remove(b.path(file)))
			must(b.t, unix.Mkfifo(b.path(file), 0o666))
		}, 9, "identity-open"},
		{"directory", func(b *box) {
			must(b.t, os.Remove(b.path(file)))
			must(b.t, os.Mkdir(b.path(file), 0o777))
		}, 9, "identity-open"},
		{"huge", func(b *box) { must(b.t, os.Truncate(b.path(file), 40<<30)) }, 9, "identity-malformed"},
		{"lease", func(b *box) { lease(b.t, b.path(file)) }, 9, "identity-open"},
		{"access list", func(b *box) { must(b.t, setACL(b.path(file), "system.posix_acl_access", 1001, 7)) }, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, "tmpfs")
			jewels := b.jewels()
			b.directory("/opt/id")
			b.put(file, key, 0o600)
			b.give(file)
			tt.put(b)
			b.put("/srv/file", older, 0o600)
			script, err := firstboot.Render(firstboot.Params{Files: []firstboot.File{fileOf(t, identity, "/srv/file", "0600", newer)}, IdentityFile: file})
			must(t, err)
			got := b.run(script)
			b.wantRefused(got, tt.code, tt.reason)
			jewels.want()
			if got.took > 5*time.Second {
				t.Errorf("it took %v", got.took)
			}
			if tt.code != 0 {
				b.want("/srv/file", older, 0, 0o600)
				return
			}
			b.want("/srv/file", newer, 0, 0o600)
			var st unix.Stat_t
			must(t, unix.Lstat(b.path(file), &st))
			if st.Uid != 0 || st.Mode&0o7077 != 0 {
				t.Errorf("the identity file: %o of user %d", st.Mode, st.Uid)
			}
			b.wantNoACL(file)
		})
	}
}

// link puts a symlink of the user's in the place of what is there.
func (b *box) link(to, p string) {
	b.t.Helper()
	_ = os.Remove(b.path(p))
	must(b.t, os.Symlink(to, b.path(p)))
	b.give(p)
}

// What is at a path where a file is to be.
func TestTargets(t *testing.T) {
	needRoot(t)
	protect(t, "0")
	const file = "/opt/app/.env"
	for _, tt := range []struct {
		name   string
		put    func(b *box)
		code   int
		reason string
	}{
		{"nothing", func(b *box) { must(b.t, os.Remove(b.path(file))) }, 0, ""},
		{"root's file", func(b *box) {}, 0, ""},
		{"user's file with a write lease", func(b *box) {
			b.give(file)
			lease(b.t, b.path(file))
		}, 0, ""},
		{"root's file of the right size with a write lease", func(b *box) {
			b.put(file, strings.Repeat("x", len(newer)), 0o600)
			lease(b.t, b.path(file))
		}, 0, ""},
		{"hard link of root's file", func(b *box) {
			must(b.t, os.Remove(b.path(file)))
			must(b.t, os.Link(b.path("/etc/shadow"), b.path(file)))
		}, 0, ""},
		{"symlink", func(b *box) { b.link("/etc/shadow", file) }, 7, "target-symlink"},
		{"FIFO", func(b *box) {
			must(b.t, os.Remove(b.path(file)))
			must(b.t, unix.Mkfifo(b.path(file), 0o666))
		}, 7, "target-special"},
		{"empty directory", func(b *box) {
			must(b.t, os.Remove(b.path(file)))
			must(b.t, os.Mkdir(b.path(file), 0o777))
		}, 0, ""},
		{"directory with a file", func(b *box) {
			must(b.t, os.Remove(b.path(file)))
			b.put(file+"/x", "", 0o600)
		}, 7, "target-directory"},
		{"bind mount", func(b *box) { bind(b.t, b.path(file), b.path(file), 0) }, 7, "target-mount"},
		{"bind mount of the directory above", func(b *box) { bind(b.t, b.path("/opt/app"), b.path("/opt/app"), 0) }, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, "ext4")
			jewels := b.jewels()
			b.directory("/opt/app")
			b.put("/srv/first", older, 0o600)
			b.put(file, older, 0o600)
			tt.put(b)
			identity := newIdentity(t)
			notify := b.notify("/srv", "/opt/app")
			got := b.run(render(t, identity, fileOf(t, identity, "/srv/first", "0600", newer), fileOf(t, identity, file, "0600", newer)))
			b.wantRefused(got, tt.code, tt.reason)
			jewels.want()
			b.wantNoDrafts()
			if got.took > 5*time.Second {
				t.Errorf("it took %v", got.took)
			}
			if tt.code == 0 {
				b.want("/srv/first", newer, 0, 0o600)
				b.want(file, newer, 0, 0o600)
				return
			}
			b.want("/srv/first", older, 0, 0o600)
			for _, e := range readEvents(notify) {
				t.Errorf("something was staged: %s", e.name)
			}
		})
	}
}

// notify watches directories for what is made in them.
func (b *box) notify(dirs ...string) int {
	b.t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	must(b.t, err)
	b.t.Cleanup(func() { _ = unix.Close(fd) })
	for _, dir := range dirs {
		_, err := unix.InotifyAddWatch(fd, b.path(dir), unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_DELETE)
		must(b.t, err)
	}
	return fd
}

// wantNoACL asserts that there is no access list.
func (b *box) wantNoACL(p string) {
	b.t.Helper()
	for _, name := range []string{"system.posix_acl_access", "system.posix_acl_default"} {
		if n, err := unix.Lgetxattr(b.path(p), name, nil); err == nil {
			b.t.Errorf("%s has %s, %d bytes", p, name, n)
		}
	}
}

// What a list takes from the owner of what is made in a directory hinders nothing.
func TestAccessListAgainstRoot(t *testing.T) {
	for _, owner := range []uint32{0, 5} {
		b := newBox(t, "tmpfs")
		b.directory("/opt/app")
		must(t, setACL(b.path("/opt/app"), "system.posix_acl_default", user, owner))
		identity := newIdentity(t)
		b.drop(render(t, identity, fileOf(t, identity, "/opt/app/made/deep/file", "0640", newer),
			treeOf(t, identity, "/opt/app/keys", "0640", map[string]string{"TOKEN": newer})))
		b.want("/opt/app/keys/TOKEN", newer, 0, 0o640)
		b.wantMode("/opt/app/keys", 0, 0, 0o750)
		for _, p := range []string{"/opt/app/made", "/opt/app/made/deep"} {
			b.wantMode(p, user, user, 0o755)
			b.wantNoACL(p)
		}
		b.wantNoACL("/opt/app/keys")
		b.wantNoDrafts()
	}
}

// With a default access list on the directory above, a mode of 0640 let the user read.
func TestInheritedAccessLists(t *testing.T) {
	for _, kind := range []string{"ext4", "tmpfs"} {
		t.Run(kind, func(t *testing.T) {
			b := newBox(t, kind)
			for _, dir := range []string{"/opt/app", "/srv/app", "/var/lib/prometheus/node-exporter"} {
				b.directory(dir)
				for _, name := range []string{"system.posix_acl_default", "system.posix_acl_access"} {
					must(t, setACL(b.path(dir), name, user, 7))
				}
			}
			identity := newIdentity(t)
			var script secret.Text
			for _, value := range []string{older, newer} {
				script = render(t, identity,
					fileOf(t, identity, "/opt/app/.env", "0640", value), fileOf(t, identity, "/srv/app/made/deep/file", "0640", value),
					treeOf(t, identity, "/opt/app/keys", "0640", map[string]string{"TOKEN": value, "OTHER": value}))
				stop := b.attack(orders{})
				b.drop(script)
				if found := stop(); len(found.Leaks) > 0 {
					t.Errorf("the user can read: %q", found.Leaks)
				}
				for _, p := range []string{
					"/opt/app/.env", "/opt/app/keys", "/opt/app/keys/TOKEN", "/srv/app/made", "/srv/app/made/deep", "/srv/app/made/deep/file",
					"/var/lib/prometheus/node-exporter/ageenv.prom",
				} {
					b.wantNoACL(p)
				}
			}
			// One that is put on later is a difference, as a mode is.
			for _, p := range []string{"/opt/app/.env", "/opt/app/keys/TOKEN"} {
				must(t, setACL(b.path(p), "system.posix_acl_access", user, 7))
			}
			b.drop(script)
			b.wantNoACL("/opt/app/.env")
			b.wantNoACL("/opt/app/keys/TOKEN")
			if t.Failed() {
				t.Log(fmt.Sprint(b.drafts()))
			}
		})
	}
}
