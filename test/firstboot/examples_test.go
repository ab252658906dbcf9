package firstboot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// images makes what the examples' compose files name, of Debian's busybox, to which it adds the
// printenv that docker's has. The image of postgres does what matters here of the real one: it
// reads the password as root when it makes a database, fails without one, and has it in the
// environment of its own process.
const images = `
mkdir -p /var/tmp/image/bin && cp /bin/busybox /var/tmp/image/bin
for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox /var/tmp/image/bin/$name; done
printf '%s\n' '#!/bin/sh' 'if [ $# = 0 ]; then exec env; fi; env | sed -n "s/^$1=//p" | grep .' >/var/tmp/image/bin/printenv
chmod 0755 /var/tmp/image/bin/printenv
tar -C /var/tmp/image -c . | docker import - busybox:1.37
cat >/var/tmp/image/entrypoint <<'.END'
#!/bin/sh
if [ ! -s /var/lib/postgresql/data/made ]; then
	[ -z "$POSTGRES_PASSWORD_FILE" ] || POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
	[ -n "$POSTGRES_PASSWORD" ] || { echo 'Error: Database is uninitialized and superuser password is not specified.'; exit 1; }
	export POSTGRES_PASSWORD
	echo "$POSTGRES_PASSWORD" | sha256sum >/var/lib/postgresql/data/made
fi
trap 'exit 0' TERM
sleep 100000 & wait
.END
chmod 0755 /var/tmp/image/entrypoint
tar -C /var/tmp/image -c . | docker import --change 'ENTRYPOINT ["/entrypoint"]' - postgres:17
rm -r /var/tmp/image
`

// shown tells in how many lines of what docker tells of all containers a text is, and in what
// their commands have as environment; and whether root sees it in /proc.
const shown = `
every() { for id in $(docker ps -aq); do docker "$@" $id 2>&1; done; }
shown() {
	echo "inspect: $(every inspect | grep -c "$1"), logs: $(every logs | grep -c "$1")," \
		"printenv: $(for id in $(docker ps -q); do docker exec $id printenv; done | grep -c "$1")," \
		"config: $(cd /opt/app && docker compose config | grep -c "$1")"
}
processes() { for id in $(docker ps -q --no-trunc -f name="$1"); do for pid in $(docker top $id -o pid | tail -n +2); do cat /proc/$pid/environ; done; done | tr '\0' '\n' | grep -c "$2"; }
`

// The examples of docker compose, as they are: applied, booted with the real Docker, looked at
// with the commands of the guides, given new values by a new script in a session as SSH has
// one, and booted again without a network.
func TestAccComposeExamples(t *testing.T) {
	t.Run("secrets", func(t *testing.T) {
		composeExample(t, "compose-secrets", "Secret files", "inspect: 0, logs: 0, printenv: 0, config: 0")
	})
	t.Run("env", func(t *testing.T) {
		composeExample(t, "compose-env", "Values in the environment", "inspect: 1, logs: 0, printenv: 1, config: 1")
	})
}

func composeExample(t *testing.T, name, heading, shows string) {
	t.Helper()
	const first, second = "F1RST-token-s3cret", "S3COND-token-s3cret"
	m := newMachine(t, "13 docker")
	e := newExample(t, name)
	values := func(token string) string {
		text := "API_TOKEN=" + token + "\n"
		if name == "compose-secrets" {
			text += "POSTGRES_PASSWORD=" + token + "-pg\n"
		}
		return text
	}
	m.metadata["vendor-data"] = e.apply(values(first))
	m.metadata["user-data"] = e.userData()
	m.write(m.dir+"/test/script.2", e.apply(values(second)), 0o600)
	m.composeBox(name)

	look, byHand := sessionsBelow(t, "compose", heading), sessionsBelow(t, "running-box", "What restarts containers")
	out := m.boot(2, eventually+shown+`
up() { docker exec app-web-1 true 2>/dev/null; }
token() { docker exec app-web-1 sh -c 'cat /run/secrets/API_TOKEN 2>/dev/null || printenv API_TOKEN'; }
eventually ok; eventually up
echo "the network is $(cat /sys/class/net/eth0/operstate)"
if [ "$(cat /test/boot)" = 1 ]; then
	echo "errors: $(python3 -c 'import json; print(json.load(open("/run/cloud-init/result.json"))["v1"]["errors"])')"
`+typed("look", look)+`
	cd /
	shown token-s3cret
	[ "$(processes app-db-1 token-s3cret)" = 0 ] || echo "postgres has it in its environment"
	before=$(docker ps -q --no-trunc)
	systemd-run --quiet --pipe --wait --collect --slice=user.slice sh </test/script.2
	[ "$before" != "$(docker ps -q --no-trunc)" ] && echo "the containers are new"
`+typed("by hand", byHand)+`
	cd /
fi
shown token-s3cret
echo "the token is $(token)"
ageenv status | grep -o 'source_digest": "[^"]*'
ageenv verify >/test/verified; echo "verify ends with $?"
grep ^FAIL /test/verified
echo "containers: $(echo $(docker ps --format '{{.Names}}' | sort))"
journalctl -b -o short-monotonic | grep -E 'docker|ageenv|images.service|cloud-init' >/test/journal.$(cat /test/boot)
systemctl stop docker.socket docker.service containerd.service
`)
	containers := "containers: app-web-1"
	if name == "compose-secrets" {
		containers = "containers: app-db-1 app-web-1"
		m.wantLines("boot 1", out[0], "postgres has it in its environment")
	}
	m.wantSession("look", out[0], look)
	m.wantSession("by hand", out[0], byHand)
	m.wantLines("boot 1", out[0], "the network is up", "errors: []", "the containers are new", "ageenv: app: "+e.path()+" written")
	m.wantLines("boot 2", out[1], "the network is down")
	if got := m.left("apt-get"); !strings.Contains(got, " install ") || strings.Contains(got, " git") != (name == "compose-env") {
		t.Errorf("cloud-init installs %s", got)
	}
	for _, text := range out {
		m.wantLines("the box", text, shows, "the token is "+second, `source_digest": "`+e.output("bundle_sha256"), "verify ends with 0", containers)
	}
	if got := strings.Count(strings.Join(out, ""), shows); got != 3 {
		t.Errorf("%q %d times, want 3", shows, got)
	}
	if t.Failed() {
		t.Log(out[0], out[1], m.left("images.out"), m.left("journal.1"), m.left("journal.2"))
	}
}

// composeBox is what the examples find on a box of Vultr's with the images at hand: a
// network for the first boot only.
func (m *machine) composeBox(name string) {
	m.t.Helper()
	m.noUnit("docker.service", "multi-user.target")
	m.put("/etc/systemd/system/docker.service.d/ipv6.conf", "[Service]\nEnvironment=DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1\n", 0o644)
	m.keepsNetwork()
	m.put("/etc/cloud/cloud.cfg.d/99-vultr.cfg", "datasource_list: [Vultr, None]\ndatasource: {Vultr: {retries: 1, timeout: 1, wait: 1}}\n", 0o644)
	m.put("/etc/dhcp/dhclient.conf", "timeout 1;\n", 0o644)
	m.serialNumber(1, "1000001")
	m.serialNumber(2, "1000001")
	m.hook(2, "ip link set wire down\n")
	// The packages are there already, if not as packages.
	m.put("/usr/local/bin/apt-get", "#!/bin/sh\necho \"$*\" >>/test/apt-get\n", 0o755)
	m.put("/usr/local/bin/apt-cache", "#!/bin/sh\nprintf '%s\\n' docker.io docker-cli docker-compose git\n", 0o755)
	m.unit("images.service", "multi-user.target", "[Unit]\nAfter=docker.service\nBefore=cloud-final.service\nConditionPathExists=!/var/lib/ageenv\n"+
		"[Service]\nType=oneshot\nExecStart=/bin/bash /test/images\n")
	m.write(m.dir+"/test/images", "exec >/test/images.out 2>&1\n"+images, 0o755)
	// The repository that the box clones.
	repository := filepath.Join(m.dir, "test/repository")
	if err := os.Mkdir(repository, 0o755); err != nil {
		m.t.Fatal(err)
	}
	composeFile, err := os.ReadFile("../../examples/" + name + "/compose.yaml")
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(repository+"/compose.yaml", string(composeFile), 0o644)
	for _, args := range []string{"init -q -b main .", "add .", "-c user.name=x -c user.email=x@example.org commit -q -m x"} {
		cmd := exec.Command("git", strings.Fields(args)...)
		cmd.Dir = repository
		if out, err := cmd.CombinedOutput(); err != nil {
			m.t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	m.put("/etc/gitconfig", "[url \"file:///test/repository\"]\n\tinsteadOf = https://github.com/your-organization/app.git\n", 0o644)
}
