package firstboot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func TestIdentityFile(t *testing.T) {
	identity := newIdentity(t)
	const file = "/etc/box key%.txt"
	p := Params{Files: []File{everyBoot(fileOf(t, identity, "/run/s", canary)), fileOf(t, identity, "/etc/f", canary)}, IdentityFile: file}
	key := "# created by hand\n" + identity.String() + "\n"
	for _, tt := range []struct {
		name    string
		arrange func(b *box)
		code    int
		reason  string
		message string
	}{
		{"there", func(b *box) { b.put(file, key, 0o600) }, 0, "", ""},
		{"open to others", func(b *box) { b.put(file, key, 0o644) }, 0, "", "could be read by others"},
		{"garbage", func(b *box) { b.put(file, canary+"\n", 0o600) }, 9, "identity-malformed", "what " + file + " gives is not an age identity"},
		{"another", func(b *box) { b.put(file, newIdentity(t).String(), 0o600) }, 5, "wrong-identity", "/run/s: the payload is sealed to another identity"},
		{"empty", func(b *box) { b.put(file, "", 0o600) }, 9, "identity-malformed", "what " + file},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			b.fakeSystemd("")
			tt.arrange(b)
			got := b.run(p.mustRender(t))
			if tt.code != 0 {
				b.wantFailure(got, tt.code, tt.reason, tt.message)
				b.wantNothing("/run/s")
				return
			}
			if got.code != 0 || !strings.Contains(got.stderr, tt.message) {
				t.Fatalf("code %d: %s", got.code, got.stderr)
			}
			b.want("/run/s", canary)
			b.want("/etc/f", canary)
			b.wantNothing(keptPayload(p.Files[1]))
			b.wantNothing(keptIdentity)
			if mode := b.stat(file).mode.Perm(); mode != 0o600 {
				t.Errorf("the identity's mode is %v", mode)
			}
			b.reboot()
			b.again()
			b.want("/run/s", canary)
			b.wantClean(file, "/run/s", "/etc/f")
		})
	}
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		p := p
		p.RestartUnits = []string{"app.service"}
		b := newBox(t, hasPython)
		b.fakeSystemd("")
		began := time.Now()
		got := b.drop(p.mustRender(t))
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it waited for %v", took)
		}
		if s := b.status(); s.Result != "waiting" || s.Reason != "identity-missing" || s.ExitCode != 0 || !strings.Contains(got.stderr, "dropped when it appears") {
			t.Errorf("status %+v, stderr %q", s, got.stderr)
		}
		if calls := b.called(); calls != "systemctl daemon-reload\nsystemctl --no-block start ageenv-identity.path\nsystemctl --no-block start ageenv-wait.service\n" {
			t.Errorf("called:\n%s", calls)
		}
		unit, err := os.ReadFile(b.path("/etc/systemd/system/ageenv-identity.path"))
		if err != nil || !strings.Contains(string(unit), "PathChanged=/etc/box key%%.txt\n") {
			t.Errorf("the unit is %s (%v)", unit, err)
		}
		if got, s := b.tool("drop"), b.status(); got.code != 9 || s.Result != "waiting" || s.ExitCode != 9 || !strings.Contains(got.stderr, file+" is not there") {
			t.Errorf("a later boot: code %d, %q, status %+v", got.code, got.stderr, s)
		}
		b.called()
		b.put(file, key, 0o600)
		b.again()
		b.want("/run/s", canary)
		b.want("/etc/f", canary)
		if calls := b.called(); !strings.HasSuffix(calls, "systemctl --no-block start ageenv-after.service\n") {
			t.Errorf("called:\n%s", calls)
		}
		if got := b.tool("after"); got.code != 0 || !strings.Contains(b.called(), "restart -- app.service\n") {
			t.Errorf("after: code %d, %s", got.code, got.stderr)
		}
		b.wantNothing(keptPayload(p.Files[1]))
		b.wantNothing("/var/lib/ageenv/late")
		b.put("/etc/f", "changed by hand", 0o600)
		b.reboot()
		b.fakeSystemd("")
		b.again()
		b.want("/etc/f", "changed by hand")
		b.wantClean(file, "/run/s")
	})
}

func TestIdentityCommand(t *testing.T) {
	identity := newIdentity(t)
	for _, tt := range []struct {
		name, command string
		code          int
		reason        string
		message       string
	}{
		{"gives it", `cat "$(dirname '` + "KEY" + `')/key"`, 0, "", ""},
		{"fails", "echo " + canary + " >&2; exit 7", 9, "identity-command", "the identity command ended with code 7"},
		{"prints garbage", "echo " + canary, 9, "identity-malformed", "what the identity command gives is not an age identity"},
		{"prints nothing", ":", 9, "identity-malformed", "what the identity command gives"},
		{"prints half of it", "cut -c 1-40 KEY", 5, "open-failed", "/run/s: the identity is malformed or cut off"},
		{"hangs", "sleep 600 & sleep 600", 9, "identity-command", "the identity command took more than 60 seconds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			for _, tool := range []string{"dirname", "cut", "sleep", "cat"} {
				p, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				b.install(tool, p)
			}
			// A minute is long for a test.
			b.env = []string{"AGEENV_SECONDS=2"}
			key := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(key, []byte(identity.String()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			p := Params{
				Files:           []File{everyBoot(fileOf(t, identity, "/run/s", canary))},
				IdentityCommand: strings.ReplaceAll(tt.command, "KEY", key),
			}
			got := b.run(p.mustRender(t))
			if tt.code != 0 {
				b.wantFailure(got, tt.code, tt.reason, tt.message)
				if leak := leakIn(got.stderr); leak != "" {
					t.Errorf("stderr holds %s", leak)
				}
				b.wantNothing("/run/s")
				return
			}
			if got.code != 0 {
				t.Fatalf("code %d: %s", got.code, got.stderr)
			}
			b.want("/run/s", canary)
			b.reboot()
			b.again()
			b.want("/run/s", canary)
			b.wantClean("/run/s")
			text, err := os.ReadFile(b.path("/etc/systemd/system/ageenv.service"))
			if err != nil || !strings.Contains(string(text), "Wants=network-online.target\n") {
				t.Errorf("a command may need the network, and the unit does not wait for it (%v)", err)
			}
		})
	}
}

func TestRenderRefusesIdentitySources(t *testing.T) {
	identity := newIdentity(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	good := fileOf(t, identity, "/f", canary)
	plain := good
	plain.Payload = []byte(canary)
	for _, tt := range []struct {
		name string
		p    Params
		want string
	}{
		{"two ways", Params{Identity: secret.New(identity.String()), IdentityFile: "/k"}, "Identity is given in more than one way"},
		{"file and command", Params{IdentityFile: "/k", IdentityCommand: "c"}, "Identity is given in more than one way"},
		{"relative file", Params{IdentityFile: "k"}, `IdentityFile "k" is relative`},
		{"file that systemd cannot read", Params{IdentityFile: "/k "}, "IdentityFile \"/k \" ends in a blank"},
		{"its own file", Params{IdentityFile: keptIdentity}, "identity of its own"},
		{"two lines", Params{IdentityCommand: "a\nb"}, "IdentityCommand has a character that does not print"},
		{"plain payload", Params{Files: []File{plain}, IdentityFile: "/k"}, "files[0]: Payload is no binary age file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.p.Files == nil {
				tt.p.Files = []File{good}
			}
			if _, err := Render(tt.p); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if good.NeedsAge() || !(File{Payload: seal(t, canary, hybrid.Recipient())}).NeedsAge() {
		t.Error("what needs age is not told apart")
	}
	script := Params{Files: []File{good}, IdentityFile: "/k"}.mustRender(t).Reveal()
	if leak := leakIn(script); leak != "" || strings.Contains(script, "holds an age identity") {
		t.Errorf("a script without an identity: %s", leak)
	}
}
