package firstboot

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// everyBoot makes it a file that is dropped at every boot.
func everyBoot(f File) File {
	f.EveryBoot = true
	return f
}

// render makes the script of Params that must be right.
func (p Params) mustRender(t testing.TB) secret.Text {
	t.Helper()
	script, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

func travelling(identity *age.X25519Identity, files ...File) Params {
	return Params{Files: files, Identity: secret.New(identity.String())}
}

// reboot empties what does not survive one.
func (b *box) reboot() {
	b.t.Helper()
	if err := os.RemoveAll(b.path("/run")); err != nil {
		b.t.Fatal(err)
	}
	b.systemd()
}

// again is a later boot's run that must succeed.
func (b *box) again() outcome {
	b.t.Helper()
	got := b.tool("drop")
	if got.code != 0 {
		b.t.Fatalf("exit code %d\nstdout: %s\nstderr: %s", got.code, got.stdout, got.stderr)
	}
	return got
}

const keptIdentity = "/var/lib/ageenv/identity"

// keptPayload is where the payload of a file is kept.
func keptPayload(f File) string {
	return fmt.Sprintf("/var/lib/ageenv/sealed.%x", sha256.Sum256(f.Payload))[:len("/var/lib/ageenv/sealed.")+32]
}

// In every shell: what is on a tmpfs is back after a reboot, what is on a disk is
// left alone, and what is kept for that is root's only.
func TestEveryBoot(t *testing.T) {
	identity := newIdentity(t)
	disk := fileOf(t, identity, "/etc/app.env", canary+"disk")
	p := travelling(identity, everyBoot(fileOf(t, identity, "/run/secrets/it's", canary+"tmpfs")), disk,
		everyBoot(directoryOf(t, identity, "/run/secrets/d", someKeys)))
	script := p.mustRender(t)
	for _, shell := range shells(t) {
		for _, has := range []int{hasAge, hasPython} {
			if has == hasAge && shell.name != "dash" {
				continue // which program opens the payload does not depend on the shell
			}
			t.Run(fmt.Sprintf("%s/%d", shell.name, has), func(t *testing.T) {
				t.Parallel()
				b := newBox(t, has)
				b.shell = shell.command
				b.drop(script)
				for p, mode := range map[string]os.FileMode{
					keptIdentity: 0o600, keptPayload(p.Files[0]): 0o600, keptPayload(p.Files[2]): 0o600,
					"/var/lib/ageenv/plan": 0o600, "/usr/local/sbin/ageenv": 0o755, "/var/lib/ageenv": 0o700,
				} {
					if got := b.stat(p).mode.Perm(); got != mode {
						t.Errorf("%s: mode %v, want %v", p, got, mode)
					}
				}
				b.wantNothing(keptPayload(disk))
				b.reboot()
				b.put("/etc/app.env", "changed by hand", 0o640)
				got := b.again()
				b.want("/run/secrets/it's", canary+"tmpfs")
				b.wantDirectory("/run/secrets/d", someKeys)
				b.want("/etc/app.env", "changed by hand")
				if s := b.status(); s.Result != "ok" || s.Files[0].State != "written" || s.Files[1].State != "kept" || s.Files[2].State != "written" {
					t.Errorf("status %+v", s)
				}
				if n := strings.Count(got.stdout, "\n"); n != 2 || got.stderr != "" {
					t.Errorf("stdout %q, stderr %q", got.stdout, got.stderr)
				}
				before := b.stat("/run/secrets/it's")
				b.again()
				if b.stat("/run/secrets/it's") != before {
					t.Error("the second run touched the file")
				}
				b.wantClean("/run/secrets/it's", "/run/secrets/d/TOKEN", "/run/secrets/d/tls.key", keptIdentity)
			})
		}
	}
}

// The second run of the script changes nothing of what is kept, either.
func TestKeptFilesAreNotTouched(t *testing.T) {
	identity := newIdentity(t)
	kept := everyBoot(fileOf(t, identity, "/run/s", canary))
	script := travelling(identity, kept).mustRender(t)
	b := newBox(t, hasPython)
	b.drop(script)
	look := func() string {
		out, err := exec.Command("find", b.path("/"), "-type", "f", "-not", "-name", "status.json", "-not", "-name", "success", "-not", "-name", "drafts", "-printf", "%p %i %m %T@\n").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	before := look()
	b.drop(script)
	if after := look(); after != before {
		t.Errorf("it was\n%s and is\n%s", before, after)
	}
	// Another script takes the place of all of it.
	b.drop(travelling(identity, fileOf(t, identity, "/run/s", canary)).mustRender(t))
	b.wantNothing(keptIdentity)
	b.wantNothing(keptPayload(kept))
	if got := b.again(); got.stdout+got.stderr != "" {
		t.Errorf("nothing is to be dropped again, and it says %q", got.stdout+got.stderr)
	}
	if s := b.status(); s.Result != "ok" || s.Files[0].State != "unchanged" {
		t.Errorf("status %+v", s)
	}
	b.wantClean("/run/s")
}

func TestUnits(t *testing.T) {
	identity := newIdentity(t)
	p := travelling(identity, everyBoot(fileOf(t, identity, "/run/s", canary)))
	p.RestartUnits = []string{"app.service"}
	b := newBox(t, hasAge)
	b.fakeSystemd("")
	b.drop(p.mustRender(t))
	if calls := b.called(); !strings.HasPrefix(calls, "systemctl daemon-reload\nsystemctl reset-failed -- app.service\nsystemctl --no-block restart -- app.service\n") {
		t.Errorf("called:\n%s", calls)
	}
	const units = "/etc/systemd/system/"
	text, err := os.ReadFile(b.path(units + "ageenv.service"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Before=docker.service app.service\n", "ExecStart=/usr/local/sbin/ageenv drop\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("ageenv.service has no %q", want)
		}
	}
	if strings.Contains(string(text), "cloud-final") {
		t.Error("ageenv.service waits for cloud-final")
	}
	for _, unit := range []string{"docker.service", "app.service"} {
		b.want(units+unit+".d/ageenv.conf", "[Unit]\nRequires=ageenv.service\nAfter=ageenv.service\n")
	}
	if to, err := os.Readlink(b.path(units + "multi-user.target.wants/ageenv.service")); err != nil || to != "../ageenv.service" {
		t.Errorf("the unit is not enabled: %q, %v", to, err)
	}
	if verify, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Log("not verified: systemd-analyze is not installed")
	} else {
		// The program is not where the unit has it, below this directory.
		out, _ := exec.Command(verify, "verify", "--man=no", b.path(units+"ageenv.service"), b.path(units+"ageenv-after.service")).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "ageenv") && !strings.Contains(line, "/usr/local/sbin/ageenv is not executable") {
				t.Errorf("systemd-analyze: %s", line)
			}
		}
	}
	// At a later boot nothing is done twice, and nothing is waited for.
	b.reboot()
	b.fakeSystemd("")
	b.again()
	want := "systemctl is-enabled -q -- docker.service\nsystemctl --no-block start -- docker.service\n" +
		"systemctl is-enabled -q -- app.service\nsystemctl --no-block start -- app.service\n"
	if calls := b.called(); calls != want {
		t.Errorf("called:\n%s", calls)
	}
}

// A later script's units wait, and those that it does not name any more do not. What
// somebody else has put beside a drop-in stays.
func TestUnitsThatAreNamedNoMore(t *testing.T) {
	identity := newIdentity(t)
	const units, ours = "/etc/systemd/system/", ".d/ageenv.conf"
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			p := travelling(identity, everyBoot(fileOf(t, identity, "/run/s", canary)))
			p.BlockMetadata, p.RestartUnits = true, []string{"gone.service", `dev-x\x2dy.mount`, "shared.service", "stays.service"}
			b := newBox(t, hasAge)
			b.shell = shell.command
			b.fakeSystemd("")
			b.drop(p.mustRender(t))
			const closed = ".d/ageenv-metadata.conf"
			for _, unit := range append([]string{"docker.service"}, p.RestartUnits...) {
				b.stat(units + unit + ours)
			}
			b.stat(units + "cloud-final.service" + closed)
			b.put(units+"shared.service.d/other.conf", "x", 0o644)
			b.called()
			p.BlockMetadata, p.RestartUnits = false, p.RestartUnits[3:]
			b.drop(p.mustRender(t))
			for _, gone := range []string{"gone.service.d", `dev-x\x2dy.mount.d`, "shared.service" + ours, "cloud-final.service.d", "cloud-init.service.d", "-.slice.d"} {
				b.wantNothing(units + gone)
			}
			b.want(units+"shared.service.d/other.conf", "x")
			for _, unit := range []string{"docker.service", "stays.service"} {
				b.stat(units + unit + ours)
			}
			if calls := b.called(); !strings.Contains(calls, "systemctl daemon-reload\n") {
				t.Errorf("systemd was not told; called:\n%s", calls)
			}
			b.drop(p.mustRender(t))
			if calls := b.called(); calls != "" {
				t.Errorf("nothing changed, and called:\n%s", calls)
			}
		})
	}
}

// Where nothing can be kept, a file that is dropped once is dropped, and one that
// would be missing after the next boot is an error.
func TestNothingCanBeKept(t *testing.T) {
	identity := newIdentity(t)
	f := fileOf(t, identity, "/srv/f", canary)
	b := newBox(t, hasPython)
	b.put("/usr/local", "a file", 0o644)
	got := b.drop(travelling(identity, f).mustRender(t))
	b.want("/srv/f", canary)
	if !strings.Contains(got.stderr, "cannot be kept on this box") {
		t.Errorf("stderr %q", got.stderr)
	}
	b = newBox(t, hasPython)
	b.put("/usr/local", "a file", 0o644)
	b.wantFailure(b.run(travelling(identity, everyBoot(f)).mustRender(t)), 8, "write", "what the box needs at its later boots")
	b.wantNothing("/srv/f")
}

// By hand, in a root that somebody has changed to: neither what is in place nor
// what is kept is touched.
func TestDropWantsSystemd(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.drop(travelling(identity, everyBoot(fileOf(t, identity, "/srv/f", canary))).mustRender(t))
	b.put("/srv/f", "changed by hand", 0o600)
	if err := os.RemoveAll(b.path("/run")); err != nil {
		t.Fatal(err)
	}
	b.wantFailure(b.tool("drop"), 12, "no-systemd", "systemd does not run here")
	b.want("/srv/f", "changed by hand")
	b.reboot()
	b.again()
	b.want("/srv/f", canary)
}

func TestTool(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.drop(travelling(identity, fileOf(t, identity, "/srv/f", canary)).mustRender(t))
	text, err := os.ReadFile(b.path(statusPath))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.tool("status"); got.code != 0 || got.stdout != string(text) {
		t.Errorf("status: code %d, %q", got.code, got.stdout)
	}
	for _, args := range [][]string{nil, {"help"}, {"-x"}} {
		if got := b.tool(args...); got.code != 64 || !strings.Contains(got.stderr, "usage: ageenv") {
			t.Errorf("%q: code %d, %s", args, got.code, got.stderr)
		}
	}
	if now, err := os.ReadFile(b.path(statusPath)); err != nil || string(now) != string(text) {
		t.Error("asking changed the status")
	}
}

// On a clone, files of earlier scripts go with those of the last one. What somebody else
// has put in their place since stays, and on the box itself everything does.
func TestCloneOfABoxWithEarlierScripts(t *testing.T) {
	identity := newIdentity(t)
	const serialFile = "/sys/class/dmi/id/product_serial"
	b := newBox(t, hasPython)
	b.put(serialFile, "111\n", 0o400)
	old := []File{
		fileOf(t, identity, "/etc/old", canary), fileOf(t, identity, "/etc/taken", canary), fileOf(t, identity, "/etc/edited", canary),
		fileOf(t, identity, "/etc/again", canary), directoryOf(t, identity, "/etc/keys", someKeys), directoryOf(t, identity, "/etc/used", someKeys),
	}
	b.drop(travelling(identity, old...).mustRender(t))
	b.drop(travelling(identity, fileOf(t, identity, "/etc/second", canary)).mustRender(t))
	last := travelling(identity, fileOf(t, identity, "/etc/last", canary), fileOf(t, identity, "/etc/again", canary+canary)).mustRender(t)
	for range 2 {
		b.drop(last)
	}
	b.again()
	for _, p := range []string{"/etc/old", "/etc/second", "/etc/taken"} {
		b.want(p, canary)
	}
	b.wantDirectory("/etc/keys", someKeys)

	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(b.path("/etc/edited"), []byte("the operator's"), 0o600))
	must(os.WriteFile(b.path("/etc/new"), []byte("the operator's"), 0o600))
	must(os.Rename(b.path("/etc/new"), b.path("/etc/taken")))
	must(os.WriteFile(b.path("/etc/used/own"), []byte("the operator's"), 0o600))
	b.put(serialFile, "222\n", 0o400)
	b.wantFailure(b.tool("drop"), 11, "clone", "this box is a clone")
	for _, p := range []string{"/etc/old", "/etc/second", "/etc/last", "/etc/again", "/etc/keys", "/var/lib/ageenv/earlier"} {
		b.wantNothing(p)
	}
	for _, p := range []string{"/etc/edited", "/etc/taken", "/etc/used/own"} {
		b.want(p, "the operator's")
	}
}

// A plan that is damaged keeps no script from replacing it.
func TestScriptOverADamagedPlan(t *testing.T) {
	identity := newIdentity(t)
	script := mustRender(t, identity, fileOf(t, identity, "/etc/f", canary))
	for _, plan := range []string{"", "{", "{}", "[]", "\xff\n", "\x00"} {
		b := newBox(t, hasPython)
		b.put("/var/lib/ageenv/plan", plan, 0o600)
		b.drop(script)
		b.want("/etc/f", canary)
		b.again()
	}
}

func TestClone(t *testing.T) {
	identity := newIdentity(t)
	const instanceFile, serialFile = "/var/lib/cloud/data/instance-id", "/sys/class/dmi/id/product_serial"
	for _, tt := range []struct {
		name    string
		then    func(b *box)
		isClone bool
	}{
		{"the same", func(*box) {}, false},
		{"another instance of the same machine", func(b *box) { b.put(instanceFile, "i-2\n", 0o644) }, false},
		{"another instance", func(b *box) { b.put(instanceFile, "i-2\n", 0o644); _ = os.Remove(b.path(serialFile)) }, true},
		{"another instance, known in /run first", func(b *box) {
			b.put("/run/cloud-init/.instance-id", "i-2\n", 0o644)
			b.put(serialFile, "Not Specified\n", 0o400)
		}, true},
		{"another machine", func(b *box) { b.put(serialFile, "222\n", 0o400) }, true},
		{"no data source", func(b *box) { b.put(instanceFile, "iid-datasource-none\n", 0o644); _ = os.Remove(b.path(serialFile)) }, false},
		{"no data source on another machine", func(b *box) { b.put(instanceFile, "iid-datasource-none\n", 0o644); b.put(serialFile, "222\n", 0o400) }, true},
		{"no instance", func(b *box) { _ = os.Remove(b.path(instanceFile)) }, false},
		{"nothing", func(b *box) { _ = os.Remove(b.path(instanceFile)); _ = os.Remove(b.path(serialFile)) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := travelling(identity, everyBoot(fileOf(t, identity, "/run/s", canary)), fileOf(t, identity, "/etc/f", canary),
				directoryOf(t, identity, "/etc/d", someKeys))
			b := newBox(t, hasPython)
			b.put(instanceFile, "i-1", 0o644)
			b.put(serialFile, "111\n", 0o400)
			b.drop(p.mustRender(t))
			b.reboot()
			tt.then(b)
			if !tt.isClone {
				b.again()
				b.want("/run/s", canary)
				b.want("/etc/f", canary)
				unknown := strings.HasPrefix(tt.name, "no data source") || tt.name == "nothing"
				if s := b.status(); s.Result != "ok" || (s.Reason == "unknown-instance") != unknown {
					t.Errorf("status %+v", s)
				}
				// The next boot with a known ID goes on as if nothing had been.
				b.reboot()
				b.put(instanceFile, "i-1", 0o644)
				b.again()
				if s := b.status(); s.Result != "ok" || s.Reason != "" {
					t.Errorf("status %+v", s)
				}
				b.put(instanceFile, "i-2", 0o644)
				if got := b.tool("drop"); unknown && got.code != 11 {
					t.Errorf("what was known is forgotten: code %d", got.code)
				}
				return
			}
			for range 2 {
				b.wantFailure(b.tool("drop"), 11, "clone", "this box is a clone")
				for _, f := range []string{"/run/s", "/etc/f", "/etc/d", keptIdentity, keptPayload(p.Files[0])} {
					b.wantNothing(f)
				}
				b.wantClean()
			}
			// A script of its own makes it a box of its own.
			b.drop(p.mustRender(t))
			b.reboot()
			tt.then(b)
			b.again()
			b.want("/run/s", canary)
		})
	}
}
