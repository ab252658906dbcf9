package firstboot

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// fakeSystemd has somebody answer for systemd: systemctl writes down how it
// was called, and answers as in cases of a shell's case statement over its
// arguments, without --no-block.
func (b *box) fakeSystemd(cases string) {
	b.t.Helper()
	b.put("/run/systemd/private", "", 0o600)
	b.fake("systemctl", `echo "systemctl $*" >>'`+b.calls()+`'
case "$*" in
`+cases+`
'show '*) echo ActiveState=active ;;
esac`)
}

// fakeDocker writes down how it was called, and where.
func (b *box) fakeDocker(code string) {
	b.t.Helper()
	b.fake("docker", `printf '%s\n' "docker $* in ${PWD#`+b.root+`}" >>'`+b.calls()+`'; `+code)
}

func (b *box) calls() string { return b.bin + "/.calls" }

// called returns what was called, line by line, and forgets it.
func (b *box) called() string {
	b.t.Helper()
	text, err := os.ReadFile(b.calls())
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	_ = os.Remove(b.calls())
	return string(text)
}

func TestWhatFollows(t *testing.T) {
	identity := newIdentity(t)
	everything := Params{
		RestartUnits: []string{"app.service", "web@1.service"}, RecreateCompose: []string{"/srv/it's here"},
		RunAfter: []string{`echo "ran $(echo '%s')"`},
	}
	const restarts = "systemctl reset-failed -- app.service\nsystemctl --no-block restart -- app.service\n" +
		"systemctl reset-failed -- web@1.service\nsystemctl --no-block restart -- web@1.service\n"
	const recreates = "docker compose up -d --force-recreate in /srv/it's here\n"
	const show = "systemctl show -p After,ActiveState,Job,ConditionResult,ConditionTimestampMonotonic,InactiveExitTimestampMonotonic -- "
	const look = show + "app.service\n"
	const looks = look + show + "web@1.service\n"
	for _, tt := range []struct {
		name    string
		change  func(p *Params)
		systemd string // what systemctl answers otherwise
		arrange func(b *box)
		calls   string
		message string // of a failure
		again   string // what is called after it by the next run
		stderr  string
	}{
		{name: "all in order", calls: restarts + recreates + looks},
		{name: "nothing asked for", change: func(p *Params) { *p = Params{} }},
		{
			name: "a unit that is ordered after the script", calls: restarts + recreates +
				looks,
			systemd: `'show '*' -- app.service') printf "After=basic.target cloud-final.service system.slice\nActiveState=inactive\n" ;;`,
			stderr:  "app.service starts when cloud-init is done",
		},
		{
			name: "a unit that does not exist", calls: restarts + recreates + strings.TrimPrefix(looks, look),
			systemd: `*'restart -- app.service') exit 5 ;;`, again: restarts[:strings.Index(restarts, "systemctl reset-failed -- web")], message: "app.service cannot be restarted",
		},
		{
			name: "a unit that fails", calls: restarts + recreates + looks,
			systemd: `'show '*' -- app.service') printf "Job=0\nActiveState=failed\n" ;;`, message: "app.service fails",
			again: restarts[:strings.Index(restarts, "systemctl reset-failed -- web")] + look,
		},
		{
			name: "compose fails", arrange: func(b *box) { b.fakeDocker("echo " + canary + "; echo " + canary + " >&2; exit 1") },
			calls: restarts + recreates + looks, message: "/srv/it's here: docker compose up -d --force-recreate failed with code 1", again: recreates,
		},
		{
			name: "a command fails", change: func(p *Params) { p.RunAfter = []string{"exit 3", "true"} },
			calls: restarts + recreates + looks, message: "this command of run_after failed with code 3: exit 3",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := everything
			if tt.change != nil {
				tt.change(&p)
			}
			p.Files, p.Identity = []File{fileOf(t, identity, "/f", canary)}, secret.New(identity.String())
			script, err := Render(p)
			if err != nil {
				t.Fatal(err)
			}
			b := newBox(t, hasAge)
			b.put("/srv/it's here/compose.yaml", "", 0o600)
			b.fakeSystemd(tt.systemd)
			b.fakeDocker("")
			if tt.arrange != nil {
				tt.arrange(b)
			}
			got := b.run(script)
			if calls, reloads := strings.CutPrefix(b.called(), "systemctl daemon-reload\n"); calls != tt.calls || !reloads {
				t.Errorf("called:\n%swant:\n%s", calls, tt.calls)
			}
			b.want("/f", canary)
			if leak := leakIn(got.stdout + got.stderr); leak != "" {
				t.Errorf("output holds %s", leak)
			}
			if !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("stderr %q, want %q", got.stderr, tt.stderr)
			}
			if tt.message != "" {
				s := b.status()
				if got.code != 10 || s.Reason != "after" || s.Files[0].State != "written" || !strings.Contains(got.stderr, "ageenv: "+tt.message) {
					t.Errorf("code %d, status %+v, stderr %q; want 10 and %q", got.code, s, got.stderr, tt.message)
				}
				// What failed is tried again, although the file is right, and nothing else is.
				got := b.run(script)
				if calls := b.called(); calls != tt.again || got.code != 10 || !strings.Contains(got.stderr, "ageenv: "+tt.message) {
					t.Errorf("the second time, code %d, called:\n%swant:\n%s", got.code, calls, tt.again)
				}
				return
			}
			if len(p.RunAfter) > 0 && !strings.Contains(got.stdout, "ran %s\n") {
				t.Errorf("stdout: %q", got.stdout)
			}
			if got.code != 0 {
				t.Errorf("code %d: %s", got.code, got.stderr)
			}
			b.drop(script)
			if calls := b.called(); calls != "" {
				t.Errorf("nothing changed the second time, and called:\n%s", calls)
			}
		})
	}
}

// Ended between the rename and what follows, the next run makes up for it.
func TestWhatFollowsIsMadeUpFor(t *testing.T) {
	identity := newIdentity(t)
	p := travelling(identity, fileOf(t, identity, "/f", canary))
	p.RestartUnits = []string{"app.service"}
	b := newBox(t, hasPython)
	b.fakeSystemd(`'reset-failed '*) kill -KILL $PPID; sleep 1 ;;`)
	b.install("sleep", "/bin/sleep")
	got := b.run(p.mustRender(t))
	if s := b.status(); got.code != 1 || s.Reason != "killed" {
		t.Fatalf("code %d: %s; status %+v", got.code, got.stderr, s)
	}
	b.want("/f", canary)
	b.fakeSystemd("")
	b.called()
	got = b.drop(p.mustRender(t))
	if calls := b.called(); !strings.Contains(calls, "restart -- app.service") || !strings.Contains(got.stdout, "unchanged") {
		t.Errorf("stdout %q, called:\n%s", got.stdout, calls)
	}
}

// While a run is about it, another that its restarts have started leaves it alone.
func TestWhatFollowsIsDoneOnce(t *testing.T) {
	identity := newIdentity(t)
	p := travelling(identity, everyBoot(fileOf(t, identity, "/run/f", canary)))
	p.RestartUnits = []string{"app.service"}
	b := newBox(t, hasAge)
	b.fakeSystemd("")
	b.drop(p.mustRender(t))
	b.called()
	b.put("/var/lib/ageenv/pending", "restart app.service\n", 0o600)
	lock, err := os.OpenFile(b.path("/var/lib/ageenv/after"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if got := b.tool("after"); got.code != 0 || strings.Contains(b.called(), "restart") {
		t.Errorf("code %d, or something was restarted: %s", got.code, got.stderr)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	b.again()
	if calls := b.called(); !strings.Contains(calls, "start ageenv-after.service\n") {
		t.Errorf("called:\n%s", calls)
	}
	if got := b.tool("after"); got.code != 0 || !strings.Contains(b.called(), "restart -- app.service\n") {
		t.Errorf("after: code %d, %s", got.code, got.stderr)
	}
	b.wantNothing("/var/lib/ageenv/pending")
}

// A unit that takes its time, or has failed and is about to start again, is waited for;
// a late success counts.
func TestUnitThatStartsLate(t *testing.T) {
	identity := newIdentity(t)
	for _, states := range []string{"ActiveState=activating", `Job=42\nActiveState=failed`} {
		p := travelling(identity, fileOf(t, identity, "/f", canary))
		p.RestartUnits, p.RunAfter = []string{"app.service"}, []string{"echo ran"}
		b := newBox(t, hasPython)
		b.env = []string{"AGEENV_SECONDS=1"}
		b.fakeSystemd(`'show '*) printf "` + states + `\n" ;;`)
		got := b.drop(p.mustRender(t))
		if s := b.status(); s.Result != "waiting" || s.Reason != "unit-starting" || s.ExitCode != 0 || s.Files[0].State != "written" {
			t.Errorf("%s: status %+v, stderr %q", states, s, got.stderr)
		}
		if calls := b.called(); strings.Count(calls, "restart -- app.service\n") != 1 || !strings.HasSuffix(calls, "start ageenv-wait.service\n") {
			t.Errorf("called:\n%s", calls)
		}
		b.fakeSystemd("")
		got = b.tool("wait")
		if s := b.status(); got.code != 0 || s.Result != "ok" {
			t.Errorf("%s: code %d, status %+v, %s", states, got.code, s, got.stderr)
		}
		if calls := b.called(); strings.Contains(calls, "restart") || strings.Contains(got.stdout, "ran") {
			t.Errorf("something was done twice: %s%s", got.stdout, calls)
		}
	}
}

// What has run to its end, or is skipped, is not waited for. What was not started is, since
// systemd has given its start up.
func TestUnitThatEnds(t *testing.T) {
	identity := newIdentity(t)
	const later = "9000000000000000"
	for _, tt := range []struct{ told, result, message string }{
		{"InactiveExitTimestampMonotonic=" + later, "ok", "app.service has run to its end"},
		{"ConditionResult=no\\nConditionTimestampMonotonic=" + later, "ok", "app.service is skipped: one of its conditions does not hold"},
		{"InactiveExitTimestampMonotonic=1\\nConditionResult=no\\nConditionTimestampMonotonic=1", "waiting", "app.service is not active yet"},
		{"Job=7\\nInactiveExitTimestampMonotonic=" + later, "waiting", "app.service is not active yet"},
		{"ConditionResult=no\\nConditionTimestampMonotonic=0", "waiting", "app.service is not active yet"},
	} {
		p := travelling(identity, fileOf(t, identity, "/f", canary))
		p.RestartUnits = []string{"app.service"}
		b := newBox(t, hasPython)
		b.env = []string{"AGEENV_SECONDS=1"}
		b.fakeSystemd(`'show '*) printf "ActiveState=inactive\n` + tt.told + `\n" ;;`)
		got := b.drop(p.mustRender(t))
		if s := b.status(); s.Result != tt.result || !strings.Contains(got.stderr, tt.message) {
			t.Errorf("%s: status %+v, stderr %q", tt.told, s, got.stderr)
		}
	}
}

// A compose project that is not there yet is waited for, and one that others can write
// is not run as root.
func TestComposeProjects(t *testing.T) {
	needRoot(t, "give directories to others")
	identity := newIdentity(t)
	p := travelling(identity, fileOf(t, identity, "/f", canary))
	p.RecreateCompose, p.RunAfter = []string{"/srv/app"}, []string{"echo ran"}
	b := newBox(t, hasPython)
	b.fakeSystemd("")
	b.fakeDocker("")
	for _, dir := range []string{"", "/srv/app/src/x"} {
		if dir != "" {
			b.put(dir, "", 0o600)
		}
		got := b.drop(p.mustRender(t))
		if s := b.status(); s.Result != "waiting" || s.Reason != "compose-missing" || strings.Contains(got.stdout, "ran\n") || strings.Contains(b.called(), "docker") {
			t.Errorf("status %+v, stdout %q", s, got.stdout)
		}
	}
	b.put("/srv/app/docker-compose.yml", "", 0o644)
	for _, open := range []string{"/srv/app", "/srv", "/srv/app/docker-compose.yml"} {
		if err := os.Chown(b.path(open), 1000, 1000); err != nil {
			t.Fatal(err)
		}
		if got := b.tool("wait"); got.code != 10 || !strings.Contains(got.stderr, " can be written by others than root") || strings.Contains(b.called(), "docker") {
			t.Errorf("%s: code %d, %q", open, got.code, got.stderr)
		}
		if err := os.Chown(b.path(open), 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	b.drop(p.mustRender(t))
	b.fakeDocker("echo 'no such file or directory: " + canary + "' >&2; exit 14")
	b.put("/f", "other", 0o600)
	got := b.run(p.mustRender(t))
	if want := `failed with code 14 ("no such file or directory")`; !strings.Contains(got.stderr, want) || strings.Contains(got.stderr, canary) {
		t.Errorf("stderr %q, want %q", got.stderr, want)
	}
}

// Below a prefix the machine's own systemd is left alone, and it is said.
func TestRestartBelowAPrefix(t *testing.T) {
	identity := newIdentity(t)
	script, err := Render(Params{
		Files: []File{fileOf(t, identity, "/f", canary)}, Identity: secret.New(identity.String()), RestartUnits: []string{"app.service"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, hasAge)
	b.fake("systemctl", `echo "systemctl $*" >>'`+b.calls()+`'`)
	got := b.run(script)
	if got.code != 10 || b.status().Reason != "after" || !strings.Contains(got.stderr, "ageenv: app.service is not restarted: there is no systemd to ask below AGEENV_ROOT\n") {
		t.Errorf("code %d: %s", got.code, got.stderr)
	}
	if calls := b.called(); calls != "" {
		t.Errorf("the machine's systemd was asked:\n%s", calls)
	}
	b.want("/f", canary)
}

func TestCheckAfterwards(t *testing.T) {
	runChecks(t, CheckUnit, []checkCase{
		{"service", "app.service", ""},
		{"instance", "web@a-b.service", ""},
		{"escaped", `dev-disk\x2dby.mount`, ""},
		{"bare", "app", "write it in full"},
		{"dash first", "-H.service", "not the name"},
		{"two", "a.service b.service", "not the name"},
		{"substitution", "$(id).service", "not the name"},
		{"line end", "a.service\n", "not the name"},
		{"path", "/etc/a.service", "not the name"},
		{"empty", "", "not the name"},
		{"cloud-init's", "cloud-final.service", "runs the script"},
		{"its own", "ageenv.service", "script's own"},
		{"too long", strings.Repeat("a", 250) + ".service", "not the name"},
	})
	runChecks(t, CheckMetadataUnit, []checkCase{
		{"service", "bird.service", ""},
		{"slice", "routing.slice", ""},
		{"scope", "session-1.scope", ""},
		{"bare", "bird", "write it in full"},
		{"scope with a blank", "a b.scope", "write it in full"},
		{"target", "network.target", "no processes of its own"},
		{"everything", "system.slice", "nearly everything"},
		{"cloud-init's", "cloud-final.service", "anyway"},
	})
	runChecks(t, CheckCommand, []checkCase{
		{"usual", `curl -fsS "http://localhost/$(hostname)"`, ""},
		{"empty", " ", "is empty"},
		{"two lines", "a\nb", "does not print"},
		{"NUL", "a\x00", "does not print"},
		{"not UTF-8", "\xff", "not UTF-8"},
		{"too long", strings.Repeat("x", 1001), "1001 bytes"},
	})
	runChecks(t, CheckDirectory, []checkCase{
		{"usual", "/srv/app", ""}, {"root", "/", "root directory"}, {"relative", "app", "relative"}, {"slash", "/srv/", "ends in a slash"},
	})
	_, err := Render(Params{RestartUnits: []string{"a.service", "x"}, RunAfter: []string{""}, RecreateCompose: []string{"x"}})
	for _, want := range []string{"RestartUnits[1] ", "RunAfter[0] ", "RecreateCompose[0] "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}
