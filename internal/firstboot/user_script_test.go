package firstboot

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const (
	userScriptUnit  = "/etc/systemd/system/ageenv-user-script.service"
	userScriptState = "/var/lib/ageenv/user-script.state"
)

// withUserScript is a file with the canary in it, and a script of the user's.
func withUserScript(t testing.TB, identity *age.X25519Identity, script string) Params {
	t.Helper()
	return Params{Files: []File{fileOf(t, identity, "/etc/app.env", canary)}, Identity: secret.New(identity.String()), UserScript: script}
}

// wantUserScript asserts what the status says of the script.
func (b *box) wantUserScript(name string, code int) {
	b.t.Helper()
	if s := b.status(); s.UserScript != name || s.UserScriptCode != code {
		b.t.Errorf("status: the user script is %q, %d; want %q, %d", s.UserScript, s.UserScriptCode, name, code)
	}
}

// In every shell: it runs once, after the files are in place, with nothing of what
// the startup script carries.
func TestUserScript(t *testing.T) {
	identity := newIdentity(t)
	script := withUserScript(t, identity, `#!/bin/sh
PATH=/usr/bin:/bin
test -s "$AGEENV_ROOT/etc/app.env" && echo the file is there
echo "arguments $# umask $(umask) home ${HOME-unset} locale ${LC_ALL-unset}"
echo "directory $(pwd -P)"
echo "input $(cat | wc -c)"
for fd in /proc/$$/fd/*; do test ! -e "$fd" || echo "open ${fd##*/} $(readlink "$fd")"; done
env
tr '\0' '\n' </proc/$$/cmdline
echo error output >&2
grep SigIgn /proc/$$/status
`).mustRender(t)
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			b.shell = shell.command
			got := b.drop(script)
			// Signal 32 is glibc's own: a caller may ignore it, and nobody can change that.
			got.stdout = strings.ReplaceAll(got.stdout, "SigIgn:\t0000000080000000", "SigIgn:\t0000000000000000")
			for _, want := range []string{
				"the file is there\n", "arguments 0 umask 0022 home unset locale unset\n", "directory " + b.root + "\n", "input 0\n",
				"open 0 /dev/null\n", "SigIgn:\t0000000000000000\n",
			} {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("it does not say %q: %s", want, got.stdout)
				}
			}
			if !strings.HasSuffix(got.stderr, "error output\n") {
				t.Errorf("stderr: %q", got.stderr)
			}
			for _, line := range strings.Split(got.stdout, "\n") {
				// The shell itself keeps the script open.
				if f := strings.Fields(line); len(f) == 3 && f[0] == "open" && !slices.Contains([]string{"0", "1", "2"}, f[1]) && f[2] != b.path("/var/lib/ageenv/user-script") {
					t.Errorf("a descriptor is left: %s", line)
				}
			}
			if leak := leakIn(got.stdout + got.stderr); leak != "" {
				t.Errorf("it sees %s", leak)
			}
			b.wantUserScript("ok", 0)
			if s := b.status(); s.Result != "ok" || s.Reason != "" || s.ExitCode != 0 {
				t.Errorf("status: %+v", s)
			}
			for range 2 {
				if again := b.drop(script); strings.Contains(again.stdout, "arguments") {
					t.Error("it has run twice")
				}
				b.wantUserScript("ok", 0)
				b.reboot()
				if again := b.again(); strings.Contains(again.stdout, "arguments") {
					t.Error("it has run at a later boot")
				}
			}
			b.wantClean("/etc/app.env")
		})
	}
}

// Nor with what was open where the startup script was started.
func TestUserScriptInheritsNoFile(t *testing.T) {
	b := newBox(t, hasPython)
	b.shell = []string{"/bin/sh", "-c", `exec 7</etc/passwd; exec /bin/sh "$1"`, "sh"}
	got := b.drop(withUserScript(t, newIdentity(t), "#!/bin/sh\ntest -e /proc/$$/fd/7 && echo it is open\necho ran\n").mustRender(t))
	if !strings.HasSuffix(got.stdout, "\nran\n") || strings.Contains(got.stdout, "it is open") {
		t.Error(got.stdout)
	}
}

func TestUserScriptFails(t *testing.T) {
	identity := newIdentity(t)
	for _, tt := range []struct {
		name, script string
		change       func(p *Params)
		code         int // of the user script
		exit         int
		reason       string
		message      string
	}{
		{"a code", "#!/bin/sh\nexit 3\n", nil, 3, 18, "user-script", "the files are in place, and the user script failed with code 3"},
		{"a signal", "#!/bin/sh\nkill -9 $$\n", nil, 137, 18, "user-script", "failed with code 137"},
		{"no interpreter", "#!/usr/bin/nonsense\n", nil, 127, 18, "user-script", "the user script cannot be started: is its interpreter on the box?"},
		{"so does what follows", "#!/bin/sh\nexit 3\n", func(p *Params) { p.RunAfter = []string{"false"} }, 3, 10, "after", "not everything that was to follow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := withUserScript(t, identity, tt.script)
			if tt.change != nil {
				tt.change(&p)
			}
			b := newBox(t, hasPython)
			b.put(collector+"/other.prom", "", 0o644)
			got := b.run(p.mustRender(t))
			b.want("/etc/app.env", canary)
			b.wantUserScript("failed", tt.code)
			if s := b.status(); got.code != tt.exit || s.Result != "failed" || s.Reason != tt.reason || s.ExitCode != tt.exit || s.Files[0].State != "written" {
				t.Errorf("code %d, status %+v", got.code, s)
			}
			if !strings.Contains(got.stderr, tt.message) {
				t.Errorf("stderr: %q", got.stderr)
			}
			if text, err := os.ReadFile(b.path(collector + "/ageenv.prom")); err != nil || !strings.Contains(string(text), `reason="`+tt.reason+`"`) || !strings.Contains(string(text), "ageenv_success 0\n") {
				t.Errorf("metrics: %v\n%s", err, text)
			}
			if out := b.tool("verify"); tt.reason == "user-script" && !strings.Contains(out.stdout, "the user script failed, after the files were put in place") {
				t.Errorf("verify: %s", out.stdout)
			}
			if again := b.run(p.mustRender(t)); strings.Contains(again.stderr, "the user script failed") {
				t.Error("it has run again")
			}
			b.wantUserScript("failed", tt.code)
		})
	}
}

// A box without its files does not set itself up as if it had them.
func TestUserScriptNeedsTheFiles(t *testing.T) {
	identity := newIdentity(t)
	p := withUserScript(t, identity, "#!/bin/sh\necho it ran\n")
	p.Files[0].Owner = "nobody-of-that-name"
	b := newBox(t, hasPython)
	got := b.run(p.mustRender(t))
	b.wantUserScript("waiting", 0)
	b.wantNothing(userScriptState)
	if strings.Contains(got.stdout, "it ran") {
		t.Error("it ran without the files")
	}
	p.Files[0].Owner, p.Files[0].Path = myUser, "/etc/dir"
	b.put("/etc/dir/occupied", "", 0o600)
	if got := b.run(p.mustRender(t)); got.code != 7 || strings.Contains(got.stdout, "it ran") {
		t.Errorf("code %d: %s", got.code, got.stdout)
	}
	b.wantUserScript("waiting", 0)
}

// Files that had to wait: a unit runs the script, once they are there.
func TestUserScriptAfterALateIdentity(t *testing.T) {
	identity := newIdentity(t)
	p := withUserScript(t, identity, "#!/bin/sh\necho it ran\n")
	p.Identity, p.IdentityFile = secret.Text{}, "/etc/box.key"
	b := newBox(t, hasPython)
	b.fakeSystemd("")
	if got := b.drop(p.mustRender(t)); strings.Contains(got.stdout, "it ran") {
		t.Error("it ran without the files")
	}
	b.wantUserScript("waiting", 0)
	unit, err := os.ReadFile(b.path(userScriptUnit))
	if err != nil || !strings.Contains(string(unit), "TimeoutStartSec=infinity\n") || strings.Contains(string(unit), "[Install]") {
		t.Errorf("the unit: %s, %v", unit, err)
	}
	b.put("/etc/box.key", identity.String()+"\n", 0o600)
	b.reboot()
	b.fakeSystemd("")
	b.called()
	const starts = "systemctl --no-block start ageenv-user-script.service\n"
	b.again()
	if calls := b.called(); !strings.Contains(calls, starts) {
		t.Errorf("called:\n%s", calls)
	}
	b.wantUserScript("due", 0)
	if got := b.tool("user-script"); got.code != 0 || got.stdout != "it ran\n" {
		t.Errorf("%+v", got)
	}
	b.wantUserScript("ok", 0)
	if got := b.tool("user-script"); got.stdout != "" {
		t.Errorf("it ran again: %+v", got)
	}
	b.reboot()
	b.fakeSystemd("")
	b.again()
	if calls := b.called(); strings.Contains(calls, starts) {
		t.Errorf("it is started again:\n%s", calls)
	}
}

// Once per instance: a clone that gets a startup script of its own runs it.
func TestUserScriptOfAClone(t *testing.T) {
	identity := newIdentity(t)
	script := withUserScript(t, identity, "#!/bin/sh\necho it ran\n").mustRender(t)
	b := newBox(t, hasPython)
	for _, tt := range []struct {
		instance string
		runs     bool
	}{{"one", true}, {"one", false}, {"two", true}, {"two", false}} {
		b.put("/var/lib/cloud/data/instance-id", tt.instance+"\n", 0o644)
		if got := b.drop(script); strings.Contains(got.stdout, "it ran") != tt.runs {
			t.Errorf("instance %s: it ran: %t", tt.instance, !tt.runs)
		}
		b.wantUserScript("ok", 0)
	}
	// One without a startup script of its own has neither files nor reason to run it.
	b.put("/var/lib/cloud/data/instance-id", "three\n", 0o644)
	b.put(userScriptState, "due 0\n", 0o600)
	b.reboot()
	b.fakeSystemd("")
	if got := b.tool("drop"); got.code != 11 || strings.Contains(b.called(), "ageenv-user-script") {
		t.Errorf("%+v", got)
	}
}

// It has no time limit, the status says that it runs, and a signal reaches it.
func TestUserScriptTakesItsTime(t *testing.T) {
	identity := newIdentity(t)
	script := withUserScript(t, identity, "#!/bin/sh\ntrap 'echo asked to end; exit 5' TERM\necho started\nwhile :; do sleep 0.1; done\n").mustRender(t)
	b := newBox(t, hasPython)
	file := filepath.Join(t.TempDir(), "firstboot.exec")
	if err := os.WriteFile(file, []byte(script.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", file)
	cmd.Env = []string{"AGEENV_ROOT=" + b.root, "AGEENV_PATH=" + b.bin, "AGEENV_DEADLINE=2"}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if state, err := os.ReadFile(b.path(userScriptState)); err == nil && string(state) == "running 0\n" {
			break
		}
		if time.Now().After(until) {
			t.Fatal("it does not start")
		}
	}
	time.Sleep(4 * time.Second) // beyond the deadline
	b.want("/etc/app.env", canary)
	b.wantUserScript("running", 0)
	if s := b.status(); s.Result != "ok" {
		t.Errorf("status while it runs: %+v", s)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 18 || !strings.Contains(out.String(), "asked to end\n") {
		t.Errorf("code %d: %s", cmd.ProcessState.ExitCode(), out.String())
	}
	b.wantUserScript("failed", 5)
}

// A box that lost power meanwhile says so, and does not run it again.
func TestUserScriptInterrupted(t *testing.T) {
	identity := newIdentity(t)
	p := withUserScript(t, identity, "#!/bin/sh\necho it ran\n")
	p.Files[0].EveryBoot = true
	b := newBox(t, hasPython)
	b.drop(p.mustRender(t))
	b.put(userScriptState, "running 0\n", 0o600)
	b.reboot()
	if got := b.again(); strings.Contains(got.stdout, "it ran") {
		t.Error("it has run again")
	}
	b.wantUserScript("interrupted", 0)
}

func TestCheckUserScript(t *testing.T) {
	identity := newIdentity(t)
	for _, tt := range []struct{ name, script, refused string }{
		{"a shell", "#!/bin/sh\n", ""},
		{"a space", "#! /usr/bin/env python3\nprint()\n", ""},
		{"without a line end", "#!/bin/true", ""},
		{"none", "echo\n", "does not begin with its interpreter"},
		{"base64", "IyEvYmluL3NoCg==", "not in base64"},
		{"cloud-config", "#cloud-config\n", "does not begin with its interpreter"},
		{"a relative one", "#!sh\n", "does not begin with its interpreter"},
		{"CRLF", "#!/bin/sh\r\necho\r\n", "has CRLF line ends"},
		{"a long line", "#!/bin/" + strings.Repeat("x", 200) + "\n", "has a first line of 207 bytes"},
		{"NUL", "#!/bin/sh\n\x00", "is not text"},
		{"a large one", "#!/bin/sh\n" + strings.Repeat("#\n", 40_000), "the limit is 65536"},
		{"ours", mustRender(t, identity, fileOf(t, identity, "/f", canary)).Reveal(), "is a script that ageenv made"},
	} {
		err := CheckUserScript(tt.script)
		if tt.refused == "" && err != nil || tt.refused != "" && (err == nil || !strings.Contains(err.Error(), tt.refused)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.refused)
		}
	}
}

// Every byte of it comes to the box.
func TestUserScriptBytes(t *testing.T) {
	identity := newIdentity(t)
	text := "#!/bin/sh\n.\n.END\n: '\\n \\\\ \" <&> \u2028\u2029 é\t\x01\x7f $(`'\r\n: None null true {{.}} \\u0041\nexit 0"
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			b.shell = shell.command
			b.run(withUserScript(t, identity, text).mustRender(t))
			b.want("/var/lib/ageenv/user-script", text)
		})
	}
}
