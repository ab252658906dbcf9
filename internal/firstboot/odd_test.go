package firstboot

import (
	"os"
	"strings"
	"testing"
)

// A box without a battery for its clock begins in 1970.
func TestClockIn1970(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasAge|hasPython)
	b.fake("date", `exec REAL -d @60 "$@"`)
	b.drop(travelling(identity, everyBoot(fileOf(t, identity, "/run/f", canary))).mustRender(t))
	b.want("/run/f", canary)
	b.reboot()
	b.again()
	b.want("/run/f", canary)
	text, err := os.ReadFile(b.path(statusPath))
	if err != nil || !strings.Contains(string(text), `"time": "1970-01-01T00:01:00Z"`) || !strings.Contains(string(text), `"result": "ok"`) {
		t.Errorf("the status is %s (%v)", text, err)
	}
	b.wantClean("/run/f", keptIdentity)
}

// Every parameter that is text holds what means something to a shell, a unit file,
// printf or JSON, each in one of the shells: it arrives exactly.
func TestHostileParameters(t *testing.T) {
	identity := newIdentity(t)
	tried := 0
	all := shells(t)
	for turn, shell := range all {
		t.Run(shell.name, func(t *testing.T) {
			b := newBox(t, hasPython)
			b.shell = shell.command
			for i, name := range hostileNames {
				if i%len(all) != turn {
					continue
				}
				file := "/etc/keys/" + name
				if CheckIdentityFile(file) != nil || CheckName(name) != nil || CheckCommand(name) != nil || len(name) > 200 {
					continue
				}
				tried++
				// Ends well, whatever name is: it is an argument of `:`, in single quotes.
				command := ": '" + strings.ReplaceAll(name, "'", `'\''`) + "'; echo \"$0\" >>'" + b.path("/ran") + "'"
				p := Params{
					Name: name, IdentityFile: file, RecreateCompose: []string{"/srv/" + name}, RunAfter: []string{command},
					Files: []File{everyBoot(fileOf(t, identity, "/run/x/"+name+"/f", canary+name)), directoryOf(t, identity, "/run/d/"+name, someKeys)},
				}
				b.put(file, identity.String()+"\n", 0o600)
				b.put("/srv/"+name+"/compose.yaml", "", 0o600)
				b.fakeDocker("")
				_ = os.Remove(b.path("/ran"))
				got := b.drop(p.mustRender(t))
				b.want("/run/x/"+name+"/f", canary+name)
				b.wantDirectory("/run/d/"+name, someKeys)
				b.want("/ran", "/bin/sh\n")
				if calls := b.called(); calls != "docker compose up -d --force-recreate in /srv/"+name+"\n" {
					t.Errorf("%q: called %q", name, calls)
				}
				if got.stderr != "" || b.status().Name != name {
					t.Errorf("%q: stderr %q, name %q", name, got.stderr, b.status().Name)
				}
				unit, err := os.ReadFile(b.path("/etc/systemd/system/ageenv-identity.path"))
				if want := "\nPathChanged=" + strings.ReplaceAll(file, "%", "%%") + "\n"; err != nil || !strings.Contains(string(unit), want) {
					t.Errorf("%q: no %q in %s", name, want, unit)
				}
				b.reboot()
				b.again()
				b.want("/run/x/"+name+"/f", canary+name)
				b.wantNothing("/pwned")
			}
		})
		if _, err := os.Lstat("/pwned"); err == nil {
			t.Fatal("something was run that was a name")
		}
	}
	if tried < 30 {
		t.Errorf("only %d were tried", tried)
	}
}
