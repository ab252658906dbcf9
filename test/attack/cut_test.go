package attack

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const renames = "rename,renameat,renameat2"

func everyBoot(f firstboot.File) firstboot.File {
	f.EveryBoot = true
	return f
}

func ownedBy(owner string, f firstboot.File) firstboot.File {
	f.Owner, f.Group = owner, owner
	return f
}

// renderParams makes a script whose identity travels, unless it says otherwise.
func renderParams(t testing.TB, identity *age.X25519Identity, p firstboot.Params) secret.Text {
	t.Helper()
	if p.IdentityFile == "" {
		p.Identity = secret.New(identity.String())
	}
	script, err := firstboot.Render(p)
	must(t, err)
	return script
}

// boot is what ageenv.service does at a later boot.
func (b *box) boot() outcome {
	b.t.Helper()
	return b.command(limit, "/usr/local/sbin/ageenv", "drop")
}

// wantBoot asserts that a later boot succeeds.
func (b *box) wantBoot() {
	b.t.Helper()
	if got := b.boot(); got.code != 0 || got.hung {
		b.t.Errorf("at a later boot: code %d: %s", got.code, got.out)
	}
}

// cut stops everything at the nth call of a kind, as a power cut does. It reports
// whether there is such a call.
func (b *box) cut(calls string, n int, args ...string) bool {
	b.t.Helper()
	inject := fmt.Sprintf("inject=%s:delay_enter=60000000:when=%d", calls, n)
	got := b.command(1500*time.Millisecond, append([]string{"/usr/bin/strace", "-f", "-q", "-o", "/run/trace", "-e", "trace=" + calls, "-e", inject}, args...)...)
	return got.hung
}

func needStrace(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("/usr/bin/strace"); err != nil {
		t.Skip("strace is not installed")
	}
}

// wantOneOf asserts that the files are those of one script, and nothing else of a value is
// on the box.
func (b *box) wantOneOf(scripts ...map[string]string) {
	b.t.Helper()
	var found []string
	for _, files := range scripts {
		wrong := ""
		for path, text := range files {
			if got, _ := os.ReadFile(b.path(path)); string(got) != text {
				wrong += fmt.Sprintf("%s is %.40q; ", path, got)
			}
		}
		if wrong == "" {
			return
		}
		found = append(found, wrong)
	}
	b.t.Errorf("the files are of no one script: %q", found)
}

// Wherever an upgrade is cut off, the next boot has the files of one script: a payload went
// to the path, and the owner, that another script has at its place in the list.
func TestUpgradeCutOff(t *testing.T) {
	needRoot(t)
	needStrace(t)
	identity := newIdentity(t)
	old := map[string]string{"/etc/db.env": canary + " db", "/etc/old.env": canary + " old", "/opt/app.env": ""}
	upgraded := map[string]string{"/etc/db.env": canary + " db, new", "/opt/app.env": canary + " app"}
	for _, repeated := range []bool{true, false} {
		t.Run(fmt.Sprintf("every_boot %v", repeated), func(t *testing.T) {
			t.Parallel()
			file := func(path, text string) firstboot.File {
				f := fileOf(t, identity, path, "0600", text)
				f.EveryBoot = repeated
				return f
			}
			one := renderParams(t, identity, firstboot.Params{Files: []firstboot.File{file("/etc/db.env", old["/etc/db.env"]), file("/etc/old.env", old["/etc/old.env"])}})
			two := renderParams(t, identity, firstboot.Params{Files: []firstboot.File{ownedBy("1000", file("/opt/app.env", upgraded["/opt/app.env"])), file("/etc/db.env", upgraded["/etc/db.env"])}})
			for n := 1; ; n++ {
				b := newBox(t, "tmpfs")
				b.drop(one)
				b.put("/root/firstboot.exec", two.Reveal(), 0o700)
				cut := b.cut(renames, n, "/bin/sh", "/root/firstboot.exec")
				for range 2 {
					b.wantBoot()
					b.wantOneOf(old, upgraded)
					b.wantNoDrafts()
				}
				if t.Failed() {
					t.Fatalf("cut off at rename %d", n)
				}
				if !cut {
					if n < 5 {
						t.Errorf("only %d renames", n)
					}
					return
				}
			}
		})
	}
}

// A first boot that is cut off, or killed, is repeated at the next one: it was said to be,
// and the boots did nothing and succeeded.
func TestFirstBootCutOff(t *testing.T) {
	needRoot(t)
	needStrace(t)
	identity := newIdentity(t)
	files := map[string]string{"/opt/app/.env": canary + " 1", "/srv/x": canary + " 2"}
	script := render(t, identity, fileOf(t, identity, "/opt/app/.env", "0600", files["/opt/app/.env"]), fileOf(t, identity, "/srv/x", "0600", files["/srv/x"]))
	for _, n := range []int{1, 2} {
		b := newBox(t, "tmpfs")
		b.directory("/opt/app")
		b.put("/root/firstboot.exec", script.Reveal(), 0o700)
		if !b.cut("renameat2", n, "/bin/sh", "/root/firstboot.exec") {
			t.Fatal("it was not cut off")
		}
		b.wantBoot()
		b.wantOneOf(files)
		b.wantNoDrafts()
		b.wantNothing("/var/lib/ageenv/identity")
	}
	b := newBox(t, "tmpfs")
	b.directory("/opt/app")
	b.put("/root/firstboot.exec", script.Reveal(), 0o700)
	got := b.command(limit, "/usr/bin/strace", "-f", "-o", "/run/trace", "-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=1", "/bin/sh", "/root/firstboot.exec")
	b.wantRefused(got, 1, "killed")
	b.wantBoot()
	b.wantRefused(outcome{}, 0, "")
	b.wantOneOf(files)
}

// What was kept for files that had to wait goes step by step: cut off in between, every
// later boot failed.
func TestCutOffAfterTheFiles(t *testing.T) {
	needRoot(t)
	needStrace(t)
	identity := newIdentity(t)
	script := render(t, identity, ownedBy("app", fileOf(t, identity, "/srv/x", "0600", newer)), fileOf(t, identity, "/srv/y", "0600", newer))
	for n := 1; ; n++ {
		b := newBox(t, "tmpfs")
		b.wantRefused(b.run(script), 0, "owner")
		b.makeUser("app")
		cut := b.cut("unlink,unlinkat", n, "/usr/local/sbin/ageenv", "drop")
		for range 2 {
			b.wantBoot()
		}
		b.wantOneOf(map[string]string{"/srv/x": newer, "/srv/y": newer})
		b.wantNoDrafts()
		b.wantNothing("/var/lib/ageenv/identity")
		if t.Failed() {
			t.Fatalf("cut off at unlink %d", n)
		}
		if !cut {
			return
		}
	}
}

func (b *box) makeUser(name string) {
	b.t.Helper()
	b.put("/etc/passwd", b.read("/etc/passwd")+name+":x:1234:1234::/:/bin/sh\n", 0o644)
	b.put("/etc/group", b.read("/etc/group")+name+":x:1234:\n", 0o644)
}

// start starts a program on the box; the function waits for its end.
func (b *box) start(args ...string) (wait func() string) {
	b.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: b.root, Setpgid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	must(b.t, cmd.Start())
	return func() string {
		err := cmd.Wait()
		return fmt.Sprintf("%s (%v)", out.String(), err)
	}
}

// While ageenv-wait.service tries again, another script is run: what waits is about that one
// from then on. It went on with the old plan, and the new payloads.
func TestScriptWhileAnotherWaits(t *testing.T) {
	needRoot(t)
	identity := newIdentity(t)
	one := renderParams(t, identity, firstboot.Params{Name: "one", Files: []firstboot.File{
		ownedBy("app", everyBoot(fileOf(t, identity, "/opt/app.env", "0600", "app"))), everyBoot(fileOf(t, identity, "/etc/db.env", "0600", "db")),
	}})
	two := renderParams(t, identity, firstboot.Params{Name: "two", Files: []firstboot.File{
		everyBoot(fileOf(t, identity, "/etc/db.env", "0600", "db, new")), ownedBy("1000", everyBoot(fileOf(t, identity, "/opt/web.env", "0600", "web"))),
	}})
	b := newBox(t, "tmpfs")
	b.wantRefused(b.run(one), 0, "owner")
	wait := b.start("/usr/local/sbin/ageenv", "wait")
	time.Sleep(time.Second)
	b.drop(two)
	b.makeUser("app")
	out := wait()
	b.wantNothing("/opt/app.env")
	b.want("/etc/db.env", "db, new", 0, 0o600)
	b.want("/opt/web.env", "web", user, 0o600)
	if status := b.read("/var/lib/ageenv/status.json"); !strings.Contains(status, `"name": "two"`) || !strings.Contains(status, `"result": "ok"`) {
		t.Errorf("the status is not that of the second script: %s; the first said %s", status, out)
	}
}

// A script is run while another one does what follows its files: each does all of its own.
func TestScriptWhileAnotherIsFollowed(t *testing.T) {
	needRoot(t)
	identity := newIdentity(t)
	one := renderParams(t, identity, firstboot.Params{Files: []firstboot.File{fileOf(t, identity, "/srv/x", "0600", "1")}, RunAfter: []string{"sleep 3"}})
	two := renderParams(t, identity, firstboot.Params{Files: []firstboot.File{fileOf(t, identity, "/srv/x", "0600", "2")}, RunAfter: []string{"cp /srv/x /srv/followed"}})
	b := newBox(t, "tmpfs")
	b.put("/root/one.exec", one.Reveal(), 0o700)
	wait := b.start("/bin/sh", "/root/one.exec")
	for until := time.Now().Add(limit); b.readIfThere("/srv/x") != "1" && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
	}
	b.drop(two)
	wait()
	b.want("/srv/followed", "2", 0, 0o600)
}

func (b *box) readIfThere(p string) string {
	text, _ := os.ReadFile(b.path(p))
	return string(text)
}

// A command that is corrected is run in the corrected form, although no file changes.
func TestCorrectedCommand(t *testing.T) {
	needRoot(t)
	identity := newIdentity(t)
	script := func(command string) secret.Text {
		return renderParams(t, identity, firstboot.Params{Files: []firstboot.File{fileOf(t, identity, "/srv/x", "0600", "1")}, RunAfter: []string{command}})
	}
	b := newBox(t, "tmpfs")
	b.wantRefused(b.run(script("echo wrong >>/srv/log; false")), 10, "after")
	b.drop(script("echo right >>/srv/log"))
	b.drop(script("echo right >>/srv/log"))
	if got, want := b.read("/srv/log"), "wrong\nright\n"; got != want {
		t.Errorf("the commands did %q, want %q", got, want)
	}
}
