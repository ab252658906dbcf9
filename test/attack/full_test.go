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

// Ways in which a root disk cannot be written.
var unwritable = []struct {
	name string
	make func(b *box) func()
}{
	{"full", (*box).fill},
	{"read-only", func(b *box) func() {
		remount := func(flags uintptr) {
			must(b.t, unix.Mount("", b.root, "", unix.MS_REMOUNT|unix.MS_BIND|flags, ""))
		}
		remount(unix.MS_RDONLY)
		return func() { remount(0) }
	}},
}

// fill leaves not a block and not an inode on the box's disk. It returns what takes that back.
func (b *box) fill() func() {
	b.t.Helper()
	must(b.t, os.Mkdir(b.path("/fill"), 0o700))
	for i := 0; ; i++ {
		f, err := os.Create(b.path(fmt.Sprintf("/fill/%d", i)))
		if err != nil {
			break
		}
		for size := 1 << 20; size > 0; {
			if _, err := f.Write(make([]byte, size)); err != nil {
				size /= 2
			}
		}
		must(b.t, f.Close())
	}
	return func() { must(b.t, os.RemoveAll(b.path("/fill"))) }
}

// boxWithRun is a box on a small disk, with /run on a tmpfs as every box has it.
func boxWithRun(t *testing.T) *box {
	t.Helper()
	b := newBox(t, "ext4")
	mountFS(t, "tmpfs", b.path("/run"))
	must(t, os.MkdirAll(b.path("/run/systemd/system"), 0o755))
	return b
}

// A root disk that is full or read-only keeps no secret from a tmpfs, and no status from
// whoever asks.
func TestUnwritableDiskAtALaterBoot(t *testing.T) {
	for _, way := range unwritable {
		t.Run(way.name, func(t *testing.T) {
			b := boxWithRun(t)
			identity := newIdentity(t)
			f, keys := fileOf(t, identity, "/run/secrets/x", "0600", newer), treeOf(t, identity, "/run/secrets/keys", "0600", map[string]string{"TOKEN": newer})
			f.EveryBoot, keys.EveryBoot = true, true
			b.drop(render(t, identity, f, keys))
			before := b.read("/var/lib/ageenv/status.json")
			must(t, os.RemoveAll(b.path("/run/secrets")))
			// The status of the same second would be the same, and stay where it is.
			time.Sleep(time.Second)
			undo := way.make(b)
			for range 2 {
				must(t, os.RemoveAll(b.path("/run/ageenv/status.json")))
				got := b.command(limit, "/usr/local/sbin/ageenv", "drop")
				if got.code != 0 || !strings.Contains(got.out, "until the next boot the status is in /run/ageenv/status.json") {
					t.Errorf("code %d: %s", got.code, got.out)
				}
				b.want("/run/secrets/x", newer, 0, 0o600)
				b.want("/run/secrets/keys/TOKEN", newer, 0, 0o600)
				b.wantMode("/run/ageenv", 0, 0, 0o700)
				b.wantNoDrafts()
			}
			if got := b.command(limit, "/usr/local/sbin/ageenv", "status"); got.code != 0 || !strings.Contains(got.out, `"result": "ok"`) || got.out == before {
				t.Errorf("status: code %d: %s", got.code, got.out)
			}
			// What fails is in the status, too.
			must(t, os.Remove(b.path("/run/secrets/x")))
			must(t, os.Symlink("/nowhere", b.path("/run/secrets/x")))
			got := b.command(limit, "/usr/local/sbin/ageenv", "drop")
			status := b.command(limit, "/usr/local/sbin/ageenv", "status")
			verify := b.command(limit, "/usr/local/sbin/ageenv", "verify")
			if got.code != 7 || !strings.Contains(status.out, `"reason": "target-symlink"`) || !strings.Contains(verify.out, "FAIL: the last run did not succeed") {
				t.Errorf("code %d: %s\nstatus: %s\nverify: %s", got.code, got.out, status.out, verify.out)
			}
			undo()
			must(t, os.Remove(b.path("/run/secrets/x")))
			if got := b.command(limit, "/usr/local/sbin/ageenv", "drop"); got.code != 0 || b.reason() != "" {
				t.Errorf("code %d: %s, reason %q", got.code, got.out, b.reason())
			}
			b.wantNothing("/run/ageenv/status.json")
			b.wantNoDrafts()
		})
	}
}

// On the first boot of such a box: what needs nothing of the disk is put in place, the rest
// says why not.
func TestUnwritableDiskAtTheFirstBoot(t *testing.T) {
	for _, way := range unwritable {
		for name, tt := range map[string]struct {
			change  func(p *firstboot.Params)
			code    int
			message string
		}{
			"once":       {func(*firstboot.Params) {}, 0, "cannot be kept on this box"},
			"every boot": {func(p *firstboot.Params) { p.Files[0].EveryBoot = true }, 8, "what the box needs at its later boots cannot be kept on it"},
			"units":      {func(p *firstboot.Params) { p.RestartUnits = []string{"app.service"} }, 8, "/var/lib/ageenv/pending cannot be written"},
			"script":     {func(p *firstboot.Params) { p.UserScript = "#!/bin/sh\n" }, 8, "disk full, or read-only?"},
			"disk":       {func(p *firstboot.Params) { p.Files[0].Path = "/srv/x" }, 8, "/srv/x: cannot write next to it"},
		} {
			t.Run(way.name+"/"+name, func(t *testing.T) {
				b := boxWithRun(t)
				identity := newIdentity(t)
				p := firstboot.Params{Files: []firstboot.File{fileOf(t, identity, "/run/secrets/x", "0600", newer)}, Identity: secret.New(identity.String())}
				tt.change(&p)
				script, err := firstboot.Render(p)
				must(t, err)
				must(t, os.WriteFile(b.path("/run/firstboot.exec"), []byte(script.Reveal()), 0o700))
				undo := way.make(b)
				got := b.command(limit, "/bin/sh", "/run/firstboot.exec")
				if got.code != tt.code || !strings.Contains(got.out, tt.message) || strings.Contains(got.out, "unexpected") {
					t.Errorf("code %d: %s", got.code, got.out)
				}
				if status := b.read("/run/ageenv/status.json"); !strings.Contains(status, fmt.Sprintf(`"exit_code": %d,`, tt.code)) {
					t.Errorf("status: %s", status)
				}
				if tt.code == 0 {
					b.want("/run/secrets/x", newer, 0, 0o600)
				}
				undo()
				b.wantNoDrafts()
			})
		}
	}
}
