package firstboot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// images makes what the examples' compose files name, of busybox alone. The one of postgres
// does what matters here of the real one: it reads the password as root when it makes a
// database, fails without one, and has it in the environment of its own process.
const images = `
mkdir -p /var/tmp/image/bin && cp /bin/busybox /var/tmp/image/bin
for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox /var/tmp/image/bin/$name; done
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

// The examples of docker compose, as they are: applied, booted with the real Docker, looked at
// with the commands of the guides, given new values by a new script in a session as SSH has
// one, and booted again without a network.
func TestAccComposeExamples(t *testing.T) {
	t.Run("secrets", func(t *testing.T) { composeExample(t, "compose-secrets", "Secret files", "run-secrets") })
	t.Run("env", func(t *testing.T) { composeExample(t, "compose-env", "Values in the environment", "run-env") })
}

func composeExample(t *testing.T, name, heading, _ string) {
	t.Helper()
	const first, second = "F1RST-token-s3cret", "S3COND-token-s3cret"
	m := newMachine(t, "13 docker")
	e := newExample(t, name)
	values := func(token string) string { return "API_TOKEN=" + token + "\nPOSTGRES_PASSWORD=pg-" + token + "\n" }
	m.metadata["vendor-data"] = e.apply(values(first))
	m.metadata["user-data"] = e.userData()
	m.write(m.dir+"/test/script.2", e.apply(values(second)), 0o600)
	digest := e.output("bundle_sha256")
	m.composeBox(name)

	look := sessionsBelow(t, "compose", heading)
	const shown = `
every() { for id in $(docker ps -aq); do docker "$@" $id 2>&1; done; }
shows() {
	every inspect | grep -c "$1"
	every logs | grep -c "$1"
	for id in $(docker ps -q); do docker exec $id printenv; done | grep -c "$1"
}
`
	out := m.boot(2, eventually+shown+`
boot=$(cat /test/boot)
up() { docker exec app-web-1 true 2>/dev/null; }
eventually up; eventually ok
[ $boot = 1 ] || ip -4 -o addr show dev eth0 | grep . && ! ping 2>/dev/null
`+typed("look", look)+`
echo "shown: $(echo $(shows token-s3cret))"
docker ps -a --format '{{.Names}} {{.Status}}' | sed 's/Up .*/Up/'
if [ $boot = 1 ]; then
	cat /test/apt
	systemd-run --quiet --pipe --wait --collect --slice=user.slice sh </test/script.2
	ageenv status | grep sha256
fi
docker exec app-web-1 sh -c 'cat /run/secrets/API_TOKEN 2>/dev/null; printenv API_TOKEN'
ageenv verify | grep -v ^pass; echo "verify ends with ${PIPESTATUS[0]}"
journalctl -b -o short-monotonic | grep -E 'docker|ageenv|up.service|cloud-init' >/test/journal.$boot
systemctl stop docker.socket docker.service containerd.service
`)
	for i, text := range out {
		t.Logf("boot %d:\n%s", i+1, text)
	}
	_ = digest
	m.wantSession("look", out[0], look)
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
	// The packages are there already.
	m.put("/usr/local/bin/apt-get", "#!/bin/sh\necho \"apt-get $*\" >>/test/apt\n", 0o755)
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
