package attack

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A symlink on the way is followed where root alone can have put it there.
func TestParentSymlinks(t *testing.T) {
	identity := newIdentity(t)
	for _, tt := range []struct {
		name   string
		put    func(b *box)
		path   string
		code   int
		reason string
		// at is where the file is then.
		at string
	}{
		{name: "root's, absolute", put: func(b *box) { must(b.t, os.Symlink("/srv/real", b.path("/srv/link"))) }, path: "/srv/link/file", at: "/srv/real/file"},
		{name: "root's, relative", put: func(b *box) { must(b.t, os.Symlink("../srv/./real/", b.path("/srv/link"))) }, path: "/srv/link/file", at: "/srv/real/file"},
		{name: "above the root", put: func(b *box) { must(b.t, os.Symlink("../../../../srv/real", b.path("/srv/link"))) }, path: "/srv/link/file", at: "/srv/real/file"},
		{name: "two of root's", put: func(b *box) {
			must(b.t, os.Symlink("other", b.path("/srv/link")))
			must(b.t, os.Symlink("/srv/real", b.path("/srv/other")))
		}, path: "/srv/link/made/file", at: "/srv/real/made/file"},
		{name: "root's to the user's directory", put: func(b *box) { must(b.t, os.Symlink("/opt/app", b.path("/srv/link"))) }, path: "/srv/link/file", at: "/opt/app/file"},
		{name: "a circle", put: func(b *box) {
			must(b.t, os.Symlink("other", b.path("/srv/link")))
			must(b.t, os.Symlink("link", b.path("/srv/other")))
		}, path: "/srv/link/file", code: 7, reason: "parent-symlink"},
		{name: "to nowhere", put: func(b *box) { must(b.t, os.Symlink("/srv/none", b.path("/srv/link"))) }, path: "/srv/link/file", at: "/srv/none/file"},
		{name: "the user's in root's directory", put: func(b *box) { b.link("/srv/real", "/srv/link") }, path: "/srv/link/file", code: 7, reason: "parent-symlink"},
		{name: "the user's in the user's directory", put: func(b *box) { b.link("/srv/real", "/opt/app/link") }, path: "/opt/app/link/file", code: 7, reason: "parent-symlink"},
		{name: "root's in the user's directory", put: func(b *box) { must(b.t, os.Symlink("/srv/real", b.path("/opt/app/link"))) }, path: "/opt/app/link/file", code: 7, reason: "parent-symlink"},
		{name: "root's below the user's directory", put: func(b *box) {
			must(b.t, os.Mkdir(b.path("/opt/app/root"), 0o755))
			must(b.t, os.Symlink("/srv/real", b.path("/opt/app/root/link")))
		}, path: "/opt/app/root/link/file", code: 7, reason: "parent-symlink"},
		{name: "root's behind a symlink to the user's directory", put: func(b *box) {
			must(b.t, os.Symlink("/opt/app", b.path("/srv/link")))
			must(b.t, os.Symlink("/srv/real", b.path("/opt/app/link")))
		}, path: "/srv/link/link/file", code: 7, reason: "parent-symlink"},
		{name: "root's through the user's directory and out of it", put: func(b *box) {
			must(b.t, os.Symlink("/opt/app/../link", b.path("/srv/link")))
			must(b.t, os.Symlink("/srv/real", b.path("/opt/link")))
		}, path: "/srv/link/file", code: 7, reason: "parent-symlink"},
		{name: "root's in a directory that others can write", put: func(b *box) {
			must(b.t, os.Chmod(b.path("/srv"), 0o757))
			must(b.t, os.Symlink("/srv/real", b.path("/srv/link")))
		}, path: "/srv/link/file", code: 7, reason: "parent-symlink"},
		{name: "root's in a sticky directory", put: func(b *box) { must(b.t, os.Symlink("/srv/real", b.path("/tmp/link"))) }, path: "/tmp/link/file", code: 7, reason: "parent-symlink"},
		{name: "root's in a directory that an access list opens", put: func(b *box) {
			must(b.t, setACL(b.path("/srv"), "system.posix_acl_access", user, 7))
			must(b.t, os.Symlink("/srv/real", b.path("/srv/link")))
		}, path: "/srv/link/file", code: 7, reason: "parent-symlink"},
		{name: "file on the way", put: func(b *box) { b.put("/srv/link", "", 0o600) }, path: "/srv/link/file", code: 8, reason: "write"},
		{name: "FIFO on the way", put: func(b *box) { must(b.t, unix.Mkfifo(b.path("/srv/link"), 0o666)) }, path: "/srv/link/file", code: 8, reason: "write"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, "tmpfs")
			jewels := b.jewels()
			must(t, os.Mkdir(b.path("/srv/real"), 0o755))
			b.directory("/opt/app")
			tt.put(b)
			b.put("/etc/other", older, 0o600)
			b.wantRefused(b.run(render(t, identity, fileOf(t, identity, "/etc/other", "0600", newer), fileOf(t, identity, tt.path, "0600", newer))), tt.code, tt.reason)
			jewels.want()
			b.wantNoDrafts()
			if tt.code == 0 {
				b.want(tt.at, newer, 0, 0o600)
				return
			}
			b.want("/etc/other", older, 0, 0o600)
			b.wantNothing("/srv/real/file")
		})
	}
}

// A directory that is made belongs to the owner of the one that it is made in.
func TestMadeParents(t *testing.T) {
	b := newBox(t, "ext4")
	identity := newIdentity(t)
	for p, mode := range map[string]fs.FileMode{"/opt/plain": 0o755, "/opt/group": 0o775, "/opt/private": 0o700, "/opt/setgid": 0o775 | fs.ModeSetgid} {
		b.directory(p)
		must(t, os.Chmod(b.path(p), mode))
	}
	must(t, os.Mkdir(b.path("/srv/root"), 0o750))
	must(t, os.Mkdir(b.path("/srv/mixed"), 0o750))
	must(t, os.Chown(b.path("/srv/mixed"), 0, 42))
	var files []string
	for _, p := range []string{"/opt/plain", "/opt/group", "/opt/private", "/opt/setgid", "/srv/root", "/srv/mixed", "/tmp"} {
		files = append(files, p+"/one/two/file")
	}
	script := render(t, identity, fileOf(t, identity, files[0], "0600", newer), fileOf(t, identity, files[1], "0600", newer),
		fileOf(t, identity, files[2], "0600", newer), fileOf(t, identity, files[3], "0600", newer), fileOf(t, identity, files[4], "0600", newer),
		fileOf(t, identity, files[5], "0600", newer), fileOf(t, identity, files[6], "0600", newer))
	b.drop(script)
	for _, tt := range []struct {
		path     string
		uid, gid uint32
		mode     fs.FileMode
	}{
		{"/opt/plain", user, user, 0o755},
		{"/opt/group", user, user, 0o755},
		{"/opt/private", user, user, 0o700},
		{"/opt/setgid", user, user, 0o755},
		{"/srv/root", 0, 0, 0o750},
		{"/srv/mixed", 0, 42, 0o750},
		{"/tmp", 0, 0, 0o755},
	} {
		b.wantMode(tt.path+"/one", tt.uid, tt.gid, tt.mode)
		b.wantMode(tt.path+"/one/two", tt.uid, tt.gid, tt.mode)
		b.want(tt.path+"/one/two/file", newer, 0, 0o600)
	}
	b.wantNoDrafts()
}

// An overlay cannot exchange a directory of its lower layer: nothing is changed then, and
// the message says so. A file of the lower layer is replaced.
func TestOverlay(t *testing.T) {
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	over := b.path("/srv/over")
	for _, dir := range []string{"lower", "upper", "work", "over"} {
		must(t, os.Mkdir(b.path("/srv/"+dir), 0o755))
	}
	b.put("/srv/lower/app/file", older, 0o600)
	b.put("/srv/lower/app/keys/TOKEN", older, 0o600)
	b.put("/srv/lower/app/keys/OLD", older, 0o600)
	must(t, os.Chmod(b.path("/srv/lower/app/keys"), 0o700))
	b.put("/var/lib/ageenv/directories", "/srv/over/app/keys\n", 0o600)
	must(t, os.Chmod(b.path("/var/lib/ageenv"), 0o700))
	layers := "redirect_dir=off,lowerdir=" + b.path("/srv/lower") + ",upperdir=" + b.path("/srv/upper") + ",workdir=" + b.path("/srv/work")
	must(t, unix.Mount("overlay", over, "overlay", 0, layers))
	t.Cleanup(func() { unmount(t, over) })
	b.drop(render(t, identity, fileOf(t, identity, "/srv/over/app/file", "0600", newer)))
	b.want("/srv/over/app/file", newer, 0, 0o600)
	b.want("/srv/lower/app/file", older, 0, 0o600)

	got := b.run(render(t, identity, fileOf(t, identity, "/srv/over/app/file", "0600", newer+"er"),
		treeOf(t, identity, "/srv/over/app/keys", "0600", map[string]string{"TOKEN": newer})))
	b.wantRefused(got, 8, "write")
	if !strings.Contains(got.out, "lower layer of an overlay") {
		t.Errorf("the message does not say why: %s", got.out)
	}
	b.want("/srv/over/app/file", newer, 0, 0o600)
	b.want("/srv/over/app/keys/TOKEN", older, 0, 0o600)
	b.want("/srv/over/app/keys/OLD", older, 0, 0o600)
	// As the message says. What is put there then is of the upper layer.
	must(t, os.RemoveAll(b.path("/srv/over/app/keys")))
	for _, value := range []string{older, newer} {
		b.drop(render(t, identity, treeOf(t, identity, "/srv/over/app/keys", "0600", map[string]string{"TOKEN": value})))
		b.want("/srv/over/app/keys/TOKEN", value, 0, 0o600)
		b.wantNothing("/srv/over/app/keys/OLD")
	}
	b.wantNoDrafts()
}
