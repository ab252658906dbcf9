package firstboot_test

import (
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// The compose project is deployed after the script has run, with an env file that is
// there before: that is no failure, and its containers are made with the new values.
// Debian 12 has no docker compose, so that a stub writes down how it is called.
func TestComposeProjectComesLater(t *testing.T) {
	for _, release := range []string{"12", "13 docker"} {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			deploy, made := "", "called in /srv/app: compose up -d --force-recreate"
			if release == "12" {
				m.put("/usr/local/bin/docker", "#!/bin/sh\necho \"called in $PWD: $*\" >>/test/called\n", 0o755)
			} else {
				m.noUnit("docker.service", "multi-user.target")
				m.put("/etc/systemd/system/docker.service.d/ipv6.conf", "[Service]\nEnvironment=DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1\n", 0o644)
				deploy, made = "tar -C /bin -c busybox | docker import - box", "the container has B=2"
			}
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "B=2")}, Identity: secretOf(identity),
				RecreateCompose: []string{"/srv/app"}, RunAfter: []string{"echo ran >>/test/ran"},
			})
			out := m.boot(1, eventually+`
grep -E '"(result|reason|exit_code)"' /var/lib/ageenv/status.json
echo "errors: $(python3 -c 'import json; print(json.load(open("/run/cloud-init/result.json"))["v1"]["errors"])')"
cat /srv/app/.env; echo; ls /test/ran /test/called
`+deploy+`
cat >/srv/app/compose.yaml <<'.END'
services:
  web:
    image: box
    command: ["/busybox", "sleep", "infinity"]
    init: true
    env_file: .env
.END
eventually ok
grep -E '"(result|reason)"' /var/lib/ageenv/status.json | sed 's/^/then/'
cat /test/called 2>/dev/null || docker exec app-web-1 /busybox sh -c 'echo "the container has B=$B"'
systemctl stop docker.socket docker.service containerd.service 2>/dev/null
`)
			m.wantLines("before", out[0], `  "result": "waiting",`, `  "reason": "compose-missing",`, `  "exit_code": 0,`, "errors: []", "B=2",
				"ls: cannot access '/test/ran': No such file or directory", "ls: cannot access '/test/called': No such file or directory")
			m.wantLines("after", out[0], `then  "result": "ok",`, made)
			if got := m.left("ran"); got != "ran\n" {
				t.Errorf("what follows ran %q", got)
			}
		})
	}
}

// What a container sees of a file that was replaced, by the way in which it got it: the table of
// the guide "A running box". The directory is exchanged as a run does it.
func TestWhatContainersSee(t *testing.T) {
	m := newMachine(t, "13 docker")
	m.noUnit("docker.service", "multi-user.target")
	m.put("/etc/systemd/system/docker.service.d/ipv6.conf", "[Service]\nEnvironment=DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1\n", 0o644)
	m.put("/srv/app/compose.yaml", `
services:
  web:
    image: box
    command: ["/busybox", "sleep", "infinity"]
    init: true
    env_file: app.env
    secrets: [TOKEN]
    volumes: ["/run/app:/above:ro", "/run/app/secrets:/directory:ro"]
secrets:
  TOKEN:
    file: /run/app/secrets/TOKEN
`, 0o644)
	out := m.boot(1, `
exec 3>&1 >/dev/null 2>&1
replace() {
	mkdir -p /run/app/secrets /run/app/new && echo $1 >/run/app/new/TOKEN && echo E=$1 >/srv/app/app.env
	python3 -c 'import ctypes; ctypes.CDLL(None).renameat2(-100, b"/run/app/new", -100, b"/run/app/secrets", 2)'
	rm -r /run/app/new
}
look() { docker exec app-web-1 /busybox sh -c 'see() { if [ -e $1 ]; then /busybox cat $1; else echo empty; fi; }
	echo "'"$1"' env_file $E, secrets $(see /run/secrets/TOKEN), directory $(see /directory/TOKEN), above $(see /above/secrets/TOKEN)"' >&3; }
tar -C /bin -c busybox | docker import - box
cd /srv/app
replace 1; docker compose up -d; look before:
replace 2; look "at once:"
docker compose restart; look restart:
replace 3; docker compose up -d; look up:
echo E=3 >app.env; docker compose up -d; replace 3; docker compose up -d; look "up, the same environment:"
docker compose up -d --force-recreate; look again:
systemctl stop docker.socket docker.service containerd.service
`)
	m.wantLines("the container", out[0],
		"before: env_file 1, secrets 1, directory 1, above 1",
		"at once: env_file 1, secrets 1, directory empty, above 2",
		"restart: env_file 1, secrets 2, directory 2, above 2",
		"up: env_file 3, secrets 3, directory 3, above 3",
		"up, the same environment: env_file 3, secrets 3, directory empty, above 3",
		"again: env_file 3, secrets 3, directory 3, above 3")
}
