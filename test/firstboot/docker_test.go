package firstboot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// ask is what a container of the project's is asked, and root on the box.
const ask = `
ask() {
	docker exec app-web-1 /busybox sh -c 'echo "container: B=$B, file: $(cat /run/secrets/app 2>&1)"'
	for name in app-web-1 app-host-1; do
		for user in 0 1000; do
			docker exec -u $user $name /busybox wget -q -T 3 -O - http://169.254.169.254/v1.json | grep -q AGE-SECRET-KEY-1 && echo "$name: $user gets the identity"
		done
	done
	echo "groups: $(docker info -f '{{.CgroupDriver}}') $(find /sys/fs/cgroup -type d -path '*docker*' -name "*$(docker ps --no-trunc -q -f name=app-host-1)*" | sed 's/[0-9a-f]\{64\}/ID/')"
	echo "container $(docker ps --no-trunc -q -f name=app-web-1)"
}
`

// With the real Docker and compose: a container that came up before its files did is
// made anew, with the new environment, and with the file in place of the directory
// that Docker had made for want of it; at the next boot Docker starts it when the
// files are there. Behind Docker's own bridges the metadata service is closed. And
// verify finds a value that a container shows. With docker's cgroupfs driver, whose
// groups are outside systemd's tree, as with systemd's; on a network of docker's and on
// the host's.
func TestDocker(t *testing.T) {
	for _, driver := range []string{"systemd", "cgroupfs"} {
		t.Run(driver, func(t *testing.T) { withDocker(t, driver) })
	}
}

func withDocker(t *testing.T, driver string) {
	t.Helper()
	identity := newIdentity(t)
	m := newMachine(t, "13 docker")
	m.noUnit("docker.service", "multi-user.target")
	const token, env = `T0KEN-"of"-\\the-file`, "B=a-V4LUE-of-the-env"
	every := sealed(t, identity, "/run/secrets/app", token)
	every.EveryBoot = true
	dotenv := sealed(t, identity, "/srv/app/.env", env)
	dotenv.Exposure = firstboot.ExposureEnv
	m.metadata["vendor-data"] = render(t, firstboot.Params{
		Files: []firstboot.File{every, dotenv}, Identity: secretOf(identity), BlockMetadata: true, RecreateCompose: []string{"/srv/app"},
	})
	m.put("/srv/app/compose.yaml", `
services:
  web:
    image: box
    command: ["/busybox", "sleep", "infinity"]
    init: true
    restart: always
    env_file: [{path: .env, required: false}]
    volumes: ["/run/secrets/app:/run/secrets/app:ro"]
  host:
    image: box
    command: ["/busybox", "sleep", "infinity"]
    init: true
    restart: always
    network_mode: host
`, 0o644)
	m.put("/etc/docker/daemon.json", `{"exec-opts": ["native.cgroupdriver=`+driver+`"]}`+"\n", 0o644)
	// The kernel's switches for IPv6 are not the box's to set.
	m.put("/etc/systemd/system/docker.service.d/ipv6.conf", "[Service]\nEnvironment=DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1\n", 0o644)
	m.unit("up.service", "multi-user.target", "[Unit]\nAfter=docker.service\nBefore=cloud-final.service\nConditionPathExists=!/var/lib/ageenv\n"+
		"[Service]\nType=oneshot\nExecStart=/bin/bash /test/up\n")
	m.write(m.dir+"/test/up", ask+`
exec >/test/up.out 2>&1
tar -C /bin -c busybox | docker import - box
cd /srv/app && docker compose up -d
ask
stat -c '%n is a %F' /run/secrets/app
`, 0o755)
	out := m.boot(2, ask+`
for i in $(seq 100); do docker exec app-web-1 /busybox true 2>/dev/null && break; sleep 0.1; done
ask
stat -c '%n is a %F' /run/secrets/app
grep -E '"(result|metadata)"' /var/lib/ageenv/status.json
/usr/local/sbin/ageenv verify; echo "verify ends with $?"
if [ "$(cat /test/boot)" = 2 ]; then
	docker run -d --init --name bad -e T="$(cat /run/secrets/app)" box /busybox sh -c 'echo "$T"; exec /busybox sleep 1000'
	/usr/local/sbin/ageenv verify >/test/verify; echo "with a bad one, verify ends with $?"
	docker inspect -f 'bad is {{.Id}}' bad
fi
journalctl -b -o short-monotonic | grep -E 'docker|ageenv|up.service' >/test/journal.$(cat /test/boot)
# The way down is a short one, on which nobody waits for containers.
systemctl stop docker.socket docker.service containerd.service
`)
	up := m.left("up.out")
	var open []string
	for _, name := range []string{"app-web-1", "app-host-1"} {
		open = append(open, name+": 0 gets the identity", name+": 1000 gets the identity")
	}
	m.wantLines("before the script", up, append(open, "/run/secrets/app is a directory")...)
	group := "groups: systemd /sys/fs/cgroup/system.slice/docker-ID.scope"
	if driver == "cgroupfs" {
		group = "groups: cgroupfs /sys/fs/cgroup/docker/ID"
	}
	before := after(up, "\ncontainer ")
	if !strings.Contains(up, "container: B=, file: ") {
		t.Errorf("before the script:\n%s", up)
	}
	ids := []string{before}
	for i, text := range out {
		name := fmt.Sprint("boot ", i+1)
		ids = append(ids, after(text, "\ncontainer "))
		m.wantLines(name, text, "container: B=a-V4LUE-of-the-env, file: "+token, "/run/secrets/app is a regular file",
			`  "result": "ok",`, `  "metadata": "closed",`, "verify ends with 0", "pass: the metadata service is closed to what is forwarded from docker0",
			group, "pass: docker inspect of app-web-1 shows no value", "pass: docker logs of app-web-1 shows no value")
		if !strings.Contains(text, "pass: the metadata service is closed to what is forwarded from br-") {
			t.Errorf("%s: verify does not see the project's network:\n%s", name, text)
		}
		if strings.Contains(text, "gets the identity") {
			t.Errorf("%s: a container gets the metadata:\n%s", name, text)
		}
	}
	if ids[0] == "" || ids[0] == ids[1] || ids[1] != ids[2] {
		t.Errorf("want a new container on the first boot and the same on the second, got %q", ids)
	}
	m.wantLines("boot 2", out[1], "with a bad one, verify ends with 1")
	verified := m.left("verify")
	m.wantLines("verify", verified, "pass: docker inspect of app-web-1 shows no value")
	for _, what := range []string{"inspect", "logs"} {
		if !strings.Contains(verified, "\nFAIL: docker "+what+" of bad shows a value of /run/secrets/app: ") {
			t.Errorf("verify passes docker %s of bad:\n%s", what, verified)
		}
	}
	for _, text := range []string{out[1], m.left("verify")} {
		if strings.Contains(strings.ReplaceAll(text, "file: "+token, ""), token) {
			t.Error("verify prints a value")
		}
	}
	if t.Failed() {
		t.Log(m.left("journal.1"), m.left("journal.2"))
	}
}

// after is the rest of the line after the text.
func after(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	rest, _, _ = strings.Cut(rest, "\n")
	return rest
}
