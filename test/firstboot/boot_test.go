package firstboot_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Two boots, with the script as vendor data and as the image's /tmp/firstboot.exec,
// with age installed and not: the files are there, exactly; on the second boot
// before docker starts; what reads them is restarted on the first.
func TestTwoBoots(t *testing.T) {
	for _, release := range releases {
		for _, way := range []string{"vendor", "exec"} {
			for _, decryptor := range []string{"age", "python"} {
				t.Run("debian "+release+"/"+way+"/"+decryptor, func(t *testing.T) {
					twoBoots(t, newMachine(t, release), way, decryptor)
				})
			}
		}
	}
}

func twoBoots(t *testing.T, m *machine, way, decryptor string) {
	t.Helper()
	identity := newIdentity(t)
	const first, second = "A='$(x)'\nB=\n", "C=1"
	every := sealed(t, identity, "/run/secrets/app", first)
	every.EveryBoot, every.Owner, every.Group, every.Mode = true, "daemon", "adm", "0440"
	script := render(t, firstboot.Params{
		Name: "box", Files: []firstboot.File{every, sealed(t, identity, "/srv/app/.env", second)},
		Identity: secretOf(identity), RestartUnits: []string{"app.service", "late.service"}, RunAfter: []string{"echo ran >>/test/ran"},
	})
	m.unit("app.service", "multi-user.target", "[Service]\nType=oneshot\nRemainAfterExit=yes\n"+
		"ExecStart=/bin/sh -c 'if [ -f /run/secrets/app ]; then echo with >>/test/app; else echo without >>/test/app; fi'\n")
	// Ordered after the unit that the script runs in: to wait for it would be to wait for ever.
	m.unit("late.service", "cloud-init.target", "[Unit]\nAfter=cloud-final.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo late >>/test/late'\n")
	if way == "vendor" {
		m.metadata["vendor-data"] = script
	} else {
		m.write(m.dir+"/test/firstboot.exec", script, 0o755)
		m.unit("firstboot.service", "multi-user.target", "[Unit]\nAfter=docker.service app.service\nConditionPathExists=!/var/lib/firstboot-done\n[Service]\nType=oneshot\n"+
			"ExecStart=/bin/sh -c 'cp /test/firstboot.exec /tmp/firstboot.exec && /bin/bash /tmp/firstboot.exec >/tmp/firstboot.log 2>&1; cp /tmp/firstboot.log /test/log; echo $? >/var/lib/firstboot-done'\n")
	}
	if decryptor == "python" {
		m.hook(1, "rm \"$1/usr/bin/age\"\n")
	}
	out := m.boot(2, `
stat -c '%n %U:%G %a %F' /run/secrets/app /srv/app/.env /usr/local/sbin/ageenv /var/lib/ageenv /var/lib/ageenv/identity
sha256sum </run/secrets/app; sha256sum </srv/app/.env
grep -E '"(result|decryptor|reason)"' /var/lib/ageenv/status.json
systemctl is-active app.service docker.service
journalctl -b -u ageenv.service -o cat | grep ageenv:
ls -A /run | grep '^ageenv' && echo left over
grep '/run/ageenv' /proc/mounts && echo left over
grep scripts_vendor /run/cloud-init/result.json
journalctl -b -o short-monotonic | grep -E 'cycle|docker|ageenv|Job |ependency' >/test/journal.$(cat /test/boot)
`)
	for i, text := range out {
		m.wantLines(fmt.Sprint("boot ", i+1), text,
			"/run/secrets/app daemon:adm 440 regular file", "/srv/app/.env root:root 600 regular file",
			"/usr/local/sbin/ageenv root:root 755 regular file", "/var/lib/ageenv root:root 700 directory",
			"/var/lib/ageenv/identity root:root 600 regular file",
			sha256Of(first), sha256Of(second), `  "result": "ok",`, `  "decryptor": "`+decryptor+`",`)
		if strings.Contains(text, "left over") {
			t.Errorf("boot %d left something over", i+1)
		}
		if strings.Contains(text, "A=") || strings.Contains(text, "AGE-SECRET") {
			t.Errorf("boot %d: the journal holds a value", i+1)
		}
	}
	m.wantLines("the journal of boot 2", out[1], "ageenv: box: /run/secrets/app daemon:adm 0440 written")
	// What docker found as it started: nothing, then the file.
	for name, want := range map[string]string{
		"docker": "started\napp\nstarted\n", "app": "without\nwith\nwith\n", "late": "late\nlate\n", "ran": "ran\n",
	} {
		if got := m.left(name); got != want {
			t.Errorf("%s: got %q, want %q\n%s\n%s", name, got, want, m.left("journal.1"), m.left("journal.2"))
		}
	}
	if way == "exec" {
		m.wantLines("the image's log", m.left("log"), "ageenv: box: /srv/app/.env root:root 0600 written")
	}
}

func sha256Of(text string) string { return fmt.Sprintf("%x  -", sha256.Sum256([]byte(text))) }

// An identity file that comes late: cloud-init ends without it, and when it appears
// everything happens. One that never comes holds up nothing but docker, at the
// next boot.
func TestLateIdentity(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			every := sealed(t, identity, "/run/secrets/app", "A=1")
			every.EveryBoot = true
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files:        []firstboot.File{every, sealed(t, identity, "/srv/app/.env", "B=1")},
				IdentityFile: "/etc/box key%/identity", RunAfter: []string{"echo ran >>/test/ran"},
				UserScript: "#!/bin/sh\nsleep 1000 &\necho \"$(cat /srv/app/.env) $(cat /test/boot)\" >>/test/user\n",
			})
			m.write(m.dir+"/test/key", identity.String()+"\n", 0o600)
			out := m.boot(3, `
grep -E '"(result|reason)"' /var/lib/ageenv/status.json
systemctl is-active ageenv-identity.path docker.service
if [ "$(cat /test/boot)" = 2 ]; then
	mkdir -p '/etc/box key%'
	# As somebody would who writes it bit by bit.
	{ head -c 20 /test/key; sleep 1; tail -c +21 /test/key; } >'/etc/box key%/identity'
	for i in $(seq 100); do [ "$(systemctl is-active docker.service)" != active ] || [ ! -e /test/ran ] || [ ! -e /test/user ] || break; sleep 0.1; done
	sleep 1
	grep user_script /var/lib/ageenv/status.json
	pgrep -x sleep >/dev/null && echo what the user script left runs
	echo "then: $(cat /run/secrets/app) $(cat /srv/app/.env) $(systemctl is-active docker.service)"
fi
cat /run/secrets/app
true
`)
			m.wantLines("boot 1", out[0], `  "result": "waiting",`, `  "reason": "identity-missing",`, "active\nactive")
			m.wantLines("boot 2", out[1], `  "reason": "identity-missing",`, "active\ninactive", "then: A=1 B=1 active",
				`  "user_script": "ok",`, "what the user script left runs")
			m.wantLines("boot 3", out[2], `  "result": "ok",`, "active\nactive", "A=1")
			if got := m.left("docker"); got != "started\napp\nstarted\napp\nstarted\n" {
				t.Errorf("docker: %q", got)
			}
			if got := m.left("ran"); got != "ran\n" {
				t.Errorf("what follows ran %q", got)
			}
			if got := m.left("user"); got != "B=1 2\n" {
				t.Errorf("the user script ran %q", got)
			}
		})
	}
}

// The forms for any cloud's user data, as the real cloud-init takes them.
func TestUserData(t *testing.T) {
	for _, release := range releases {
		for _, form := range []string{"plain", "cloud-config", "MIME"} {
			t.Run("debian "+release+"/"+form, func(t *testing.T) {
				identity := newIdentity(t)
				m := newMachine(t, release)
				script := render(t, firstboot.Params{
					Name: "schön", Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, IdentityCommand: "cat /test/key",
				})
				m.write(m.dir+"/test/key", identity.String()+"\n", 0o600)
				m.metadata["user-data"] = script
				switch form {
				case "MIME":
					m.metadata["user-data"] = firstboot.MIME(secret.New(script)).Reveal()
				case "cloud-config":
					config, err := firstboot.CloudConfig(secret.New(script))
					if err != nil {
						t.Fatal(err)
					}
					m.metadata["user-data"] = config.Reveal()
				}
				out := m.boot(1, `
stat -c '%n %a' /var/lib/ageenv /srv/app/.env
cat /srv/app/.env; echo
grep -E '"(result|name)"' /var/lib/ageenv/status.json
grep -rl AGE-SECRET-KEY /var/lib /run /etc /tmp 2>/dev/null && echo the identity is on the disk
true
`)
				m.wantLines("boot 1", out[0], "/var/lib/ageenv 700", "/srv/app/.env 600", "A=1", `  "result": "ok",`, `  "name": "schön",`)
				if strings.Contains(out[0], "on the disk") {
					t.Error("the identity was left:\n" + out[0])
				}
			})
		}
	}
}
