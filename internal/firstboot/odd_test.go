package firstboot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// A box without a battery for its clock begins in 1970: what is kept on it has times
// to come, and nothing but what is said of the time depends on it.
func TestClockIn1970(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasAge|hasPython)
	faketime, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(faketime) == 0 {
		t.Skip("libfaketime is not installed")
	}
	b.env = []string{"LD_PRELOAD=" + faketime[0], "FAKETIME=1970-01-01 00:01:00", "TZ=UTC"}
	b.put(collector+"/other.prom", "", 0o644)
	grep, err := exec.LookPath("grep")
	if err != nil {
		t.Fatal(err)
	}
	b.install("grep", grep)
	b.drop(travelling(identity, everyBoot(fileOf(t, identity, "/run/f", canary)), everyBoot(directoryOf(t, identity, "/run/d", someKeys))).mustRender(t))
	b.want("/run/f", canary)
	b.reboot()
	if got := b.again(); got.stderr != "" {
		t.Errorf("stderr %q", got.stderr)
	}
	b.want("/run/f", canary)
	b.wantDirectory("/run/d", someKeys)
	if got := b.tool("verify"); got.code != 0 || got.stderr != "" {
		t.Errorf("verify: code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	metrics, err := os.ReadFile(b.path(collector + "/ageenv.prom"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ageenv_success 1", "ageenv_last_run_timestamp_seconds 6", "ageenv_last_success_timestamp_seconds 6"} {
		if !strings.Contains(string(metrics), "\n"+want) {
			t.Errorf("no %q in\n%s", want, metrics)
		}
	}
	text, err := os.ReadFile(b.path(statusPath))
	if err != nil || !strings.Contains(string(text), `"time": "1970-01-01T00:01:0`) || !strings.Contains(string(text), `"result": "ok"`) {
		t.Errorf("the status is %s (%v)", text, err)
	}
	b.wantClean("/run/f", "/run/d/TOKEN", "/run/d/tls.key", keptIdentity)
}

// Every parameter that is text holds what means something to a shell, a unit file,
// printf or JSON, in every shell: it arrives exactly, or is refused.
func TestHostileParameters(t *testing.T) {
	identity := newIdentity(t)
	// Of what there may be many, all in one script.
	together := travelling(identity)
	calls := ""
	keys := map[string]string{"KEY": canary}
	for i, name := range hostileNames {
		if len(name) > 200 {
			continue
		}
		if i%2 == 0 {
			together.Files = append(together.Files, everyBoot(fileOf(t, identity, "/run/x/"+name+"/f", canary+name)))
		} else {
			together.Files = append(together.Files, directoryOf(t, identity, "/run/d/"+name, keys))
		}
		together.RecreateCompose = append(together.RecreateCompose, "/srv/"+name)
		calls += "docker compose up -d --force-recreate in /srv/" + name + "\n"
	}
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			b, p := newBox(t, hasAge), together
			b.shell = shell.command
			b.fakeDocker("")
			for _, dir := range p.RecreateCompose {
				b.put(dir+"/compose.yaml", "", 0o600)
				// Ends well, whatever it holds: it is an argument of `:`, in single quotes.
				p.RunAfter = append(p.RunAfter, ": '"+strings.ReplaceAll(dir, "'", `'\''`)+"'; echo \"$0\" >>'"+b.path("/ran")+"'")
			}
			if got := b.drop(p.mustRender(t)); got.stderr != "" {
				t.Errorf("stderr %q", got.stderr)
			}
			b.want("/ran", strings.Repeat("/bin/sh\n", len(p.RunAfter)))
			if called := b.called(); called != calls {
				t.Errorf("called:\n%swant:\n%s", called, calls)
			}
			for _, f := range p.Files {
				if f.Layout == LayoutDirectory {
					b.wantDirectory(f.Path, keys)
				}
			}
			b.reboot()
			b.again()
			for _, f := range p.Files {
				if name, found := strings.CutPrefix(f.Path, "/run/x/"); found {
					b.want(f.Path, canary+strings.TrimSuffix(name, "/f"))
				}
			}
			b.hostileNamesAndIdentityFiles(identity)
			// Whatever runs has / for its directory.
			if _, err := os.Lstat("/pwned"); err == nil {
				t.Error("something was run that was a name")
			}
		})
	}
}

// hostileNamesAndIdentityFiles tries what a script has one of: its name, and where
// the identity is.
func (b *box) hostileNamesAndIdentityFiles(identity *age.X25519Identity) {
	t := b.t
	t.Helper()
	refused := 0
	f := fileOf(t, identity, "/run/f", canary)
	for _, name := range hostileNames {
		p := Params{Name: name, IdentityFile: "/etc/keys/" + name, Files: []File{f}}
		if err := CheckIdentityFile(p.IdentityFile); err != nil {
			refused++
			if _, err := Render(p); err == nil {
				t.Errorf("%q: the script is made", p.IdentityFile)
			}
			p.IdentityFile = "/etc/keys/plain"
		}
		b.put(p.IdentityFile, identity.String()+"\n", 0o600)
		_ = os.Remove(b.path("/run/f"))
		got := b.drop(p.mustRender(t))
		b.want("/run/f", canary)
		if got.stderr != "" || b.status().Name != name {
			t.Errorf("%q: stderr %q, name %q", name, got.stderr, b.status().Name)
		}
		unit, err := os.ReadFile(b.path("/etc/systemd/system/ageenv-identity.path"))
		if want := "\nPathChanged=" + strings.ReplaceAll(p.IdentityFile, "%", "%%") + "\n"; err != nil || !strings.Contains(string(unit), want) {
			t.Errorf("%q: no %q in %s", name, want, unit)
		}
	}
	// One ends in a blank, one in a backslash.
	if refused != 2 {
		t.Errorf("%d identity files were refused, want 2", refused)
	}
}
