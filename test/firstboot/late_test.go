package firstboot_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// eventually runs its arguments as a command until it succeeds, for 30 seconds.
const eventually = `
eventually() { for i in $(seq 150); do "$@" && return; sleep 0.2; done; echo "never: $*"; }
ok() { grep -q '"result": "ok"' /var/lib/ageenv/status.json; }
`

// Units that are enabled and read their file as users write it: both have failed when
// the script runs, one of them as often as systemd lets it.
func TestFailedUnitsAreStarted(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity),
				RestartUnits: []string{"once.service", "again.service"},
			})
			service := "[Service]\nEnvironmentFile=/srv/app/.env\nExecStart=/bin/sh -c 'echo A=$A >>/test/%N; exec sleep infinity'\n"
			m.unit("once.service", "multi-user.target", service)
			m.unit("again.service", "multi-user.target", service+"Restart=on-failure\n")
			m.unit("before.service", "multi-user.target", "[Unit]\nAfter=once.service again.service\nBefore=cloud-final.service\n"+
				"[Service]\nType=oneshot\nTimeoutStartSec=60\nExecStart=/bin/bash /test/before\n")
			m.write(m.dir+"/test/before", eventually+`[ "$(cat /test/boot)" = 1 ] || exit 0
exhausted() { journalctl -b -u again.service -o cat | grep -q 'Start request repeated too quickly'; }
eventually exhausted >/test/states
systemctl is-failed once.service again.service >>/test/states
`, 0o755)
			out := m.boot(2, eventually+`
grep -E '"(result|reason|exit_code)"' /var/lib/ageenv/status.json
eventually systemctl is-active -q once.service again.service
systemctl is-active once.service again.service
echo "errors: $(python3 -c 'import json; print(json.load(open("/run/cloud-init/result.json"))["v1"]["errors"])')"
journalctl -b -u once.service -u again.service -o short-monotonic >/test/journal.$(cat /test/boot)
`)
			if got := m.left("states"); got != "failed\nfailed\n" {
				t.Errorf("before the script: %q", got)
			}
			for _, text := range out {
				m.wantLines("the box", text, `  "result": "ok",`, `  "reason": "",`, `  "exit_code": 0,`, "active\nactive", "errors: []")
			}
			for _, name := range []string{"once", "again"} {
				if got := m.left(name); got != "A=1\nA=1\n" {
					t.Errorf("%s.service: %q", name, got)
				}
			}
			if t.Failed() {
				t.Log(m.left("journal.1"), m.left("journal.2"))
			}
		})
	}
}

// A volume that comes late and may be missing (nofail), as block storage is mounted:
// the file is put on it, not below it, before its reader starts.
func TestEveryBootOnALateMount(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			every := sealed(t, identity, "/srv/volume/app/.env", "A=1")
			every.EveryBoot = true
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files: []firstboot.File{every}, Identity: secretOf(identity), RestartUnits: []string{"app.service"},
			})
			m.unit("slow.service", "multi-user.target", "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 5\n")
			m.put("/etc/fstab", "tmpfs /srv/volume tmpfs nofail,mode=0755,x-systemd.requires=slow.service,x-systemd.after=slow.service 0 0\n", 0o644)
			m.unit("app.service", "multi-user.target", "[Unit]\nRequiresMountsFor=/srv/volume\n[Service]\n"+
				"ExecStart=/bin/sh -c 'cat /srv/volume/app/.env >>/test/app || echo without >>/test/app; echo >>/test/app; exec sleep infinity'\n")
			out := m.boot(2, eventually+`
eventually systemctl is-active -q app.service
findmnt -n -o FSTYPE -T /srv/volume/app/.env
cat /srv/volume/app/.env; echo
systemctl is-active app.service docker.service
grep '"result"' /var/lib/ageenv/status.json
journalctl -b -o short-monotonic | grep -E 'ageenv|volume|app.service' >/test/journal.$(cat /test/boot)
`)
			for _, text := range out {
				m.wantLines("the box", text, "tmpfs", "A=1", "active\nactive", `  "result": "ok",`)
			}
			if got := m.left("app"); !strings.HasSuffix(got, "A=1\nA=1\n") || strings.Count(got, "without") > 1 {
				t.Errorf("app.service: %q\n%s", got, m.left("journal.2"))
			}
			if _, err := os.Lstat(m.dir + "/upper/srv/volume/app"); err == nil {
				t.Error("the file is below the mount, on the root disk")
			}
		})
	}
}

// A user whom cloud-init's runcmd makes, after the script: the files come when the user
// does, on the same boot or, made in between, on the next.
func TestOwnerWhoComesLater(t *testing.T) {
	for _, release := range releases {
		for _, when := range []string{"runcmd", "next boot"} {
			t.Run("debian "+release+"/"+when, func(t *testing.T) {
				identity := newIdentity(t)
				m := newMachine(t, release)
				f := sealed(t, identity, "/srv/app/.env", "A=1")
				f.Owner, f.Group = "app", "app"
				m.metadata["vendor-data"] = render(t, firstboot.Params{
					Files: []firstboot.File{f}, Identity: secretOf(identity), RunAfter: []string{"echo ran >>/test/ran"},
				})
				boots := 2
				if when == "runcmd" {
					boots = 1
					m.metadata["user-data"] = "#cloud-config\nruncmd:\n- cp /var/lib/ageenv/status.json /test/before\n- useradd --user-group app\n"
				} else {
					m.hook(2, `echo app:x:1234:1234::/:/bin/false >>"$1/etc/passwd"; echo app:x:1234: >>"$1/etc/group"`+"\n")
				}
				out := m.boot(boots, eventually+`
ls /srv/app/.env
if getent passwd app; then eventually ok; else cp /var/lib/ageenv/status.json /test/before; fi
stat -c '%n %U:%G %a' /srv/app/.env
grep -E '"(result|reason)"' /var/lib/ageenv/status.json
echo "errors: $(python3 -c 'import json; print(json.load(open("/run/cloud-init/result.json"))["v1"]["errors"])')"
ls /var/lib/ageenv
`)
				m.wantLines("before", m.left("before"), `  "result": "waiting",`, `  "reason": "owner",`, `  "exit_code": 0,`)
				m.wantLines("boot 1", out[0], "ls: cannot access '/srv/app/.env': No such file or directory", "errors: []")
				m.wantLines("the last boot", out[boots-1], "/srv/app/.env app:app 600", `  "result": "ok",`, "errors: []")
				if got := m.left("ran"); got != "ran\n" {
					t.Errorf("what follows ran %q", got)
				}
				// A file that was dropped once leaves no payload and no identity.
				for _, kept := range []string{"sealed.", "identity\n", "late\n"} {
					if strings.Contains(out[boots-1]+"\n", "\n"+kept) {
						t.Errorf("%s is left over:\n%s", kept, out[boots-1])
					}
				}
			})
		}
	}
}
