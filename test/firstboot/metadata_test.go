package firstboot_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// spy is what others on the box try: nobody, and a process in a container on a
// bridge. What they get of the script is printed, a line for each way that is open.
const spy = `
get='
import socket, sys
try:
    s = socket.create_connection(("169.254.169.254", int(sys.argv[1])), 2)
    s.sendall(b"GET /v1.json HTTP/1.0\r\n\r\n")
    answer = b""
    while True:
        part = s.recv(65536)
        if not part:
            break
        answer += part
    if b"AGE-SECRET-KEY-1" in answer:
        print("open:", *sys.argv[2:], "gets the identity from port", sys.argv[1])
except OSError as e:
    print("closed:", *sys.argv[2:], "port", sys.argv[1])
'
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
for port in 80 179; do
	$nobody python3 -I -c "$get" $port nobody
	python3 -I -c "$get" $port root
	ip netns exec c python3 -I -c "$get" $port container
done
for file in $(grep -rl AGE-SECRET-KEY-1 /run /var/lib /var/log /tmp /etc /usr/local 2>/dev/null); do
	$nobody grep -q AGE-SECRET-KEY-1 "$file" 2>/dev/null && echo "open: nobody reads $file"
	[ "$(stat -c %a "$file" | tail -c 3)" = 00 ] || echo "mode: $file $(stat -c %a "$file")"
done
true
`

// bridge makes what docker would: a bridge, and a network behind it.
const bridge = `
ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up
ip netns add c && ip link add v0 type veth peer name eth0 netns c && ip link set v0 master docker0 up
ip netns exec c ip link set lo up && ip netns exec c ip addr add 172.17.0.2/16 dev eth0 && ip netns exec c ip link set eth0 up
ip netns exec c ip route add default via 172.17.0.1
`

// Before the script has run, what is open is seen to be; afterwards it is closed,
// stays so when the firewall and the network are loaded anew, and is so at the next
// boot before the first of cloud-init's stages is over.
func TestMetadataIsClosed(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			m := newMachine(t, release)
			// Ahead of what cloud-init writes, which would ask for an address by DHCP.
			m.put("/etc/systemd/network/05-eth0.network", "[Match]\nName=eth0\n[Network]\nAddress=10.99.0.2/24\nGateway=10.99.0.1\n[Route]\nDestination=169.254.169.254\nScope=link\n", 0o644)
			metadataIsClosed(t, m, release)
		})
	}
}

func metadataIsClosed(t *testing.T, m *machine, release string) {
	t.Helper()
	identity := newIdentity(t)
	m.metadata["vendor-data"] = render(t, firstboot.Params{
		Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity), BlockMetadata: true,
	})
	m.unit("early.service", "multi-user.target", "[Unit]\nAfter=cloud-init.service cloud-init-network.service\nBefore=cloud-config.service cloud-final.service\n"+
		"[Service]\nType=oneshot\nExecStart=/bin/bash /test/early\n")
	m.write(m.dir+"/test/early", "exec >/test/early.$(cat /test/boot) 2>/dev/null\n"+bridge+
		"[ $(cat /test/boot) != 1 ] || cp /run/cloud-init/instance-data.json /tmp/firstboot.exec\n"+spy, 0o755)
	// An image's own ruleset, which stays.
	m.put("/etc/nftables.conf", "#!/usr/sbin/nft -f\nflush ruleset\ntable inet own {\n\tchain input {\n\t\ttype filter hook input priority 0;\n\t}\n}\n", 0o755)
	out := m.boot(2, spy+`
nft list ruleset | grep -c 'table inet own'
echo -- again
nft -f /etc/nftables.conf
# Debian 12's sometimes runs out of buffers when it starts here, and starts again by itself.
systemctl restart systemd-networkd
for i in $(seq 300); do systemctl is-active -q systemd-networkd && break; sleep 0.1; done
systemctl is-active systemd-networkd || journalctl -b -o cat -u systemd-networkd | tail -12
`+spy+`
nft list ruleset | grep 'table inet own'
grep '"metadata"' /var/lib/ageenv/status.json
/usr/local/sbin/ageenv verify >/test/verify.$(cat /test/boot); echo "verify ends with $?"
if [ "$(cat /test/boot)" = 2 ]; then
	ip -4 rule del pref 91
	/usr/local/sbin/ageenv verify >/test/verify.open; echo "opened, verify ends with $?"
fi
`)
	before := m.left("early.1")
	m.wantLines("before the script", before, "open: nobody gets the identity from port 80", "open: container gets the identity from port 80")
	if release == "12" {
		m.wantLines("before the script", before, "open: nobody reads /run/cloud-init/instance-data.json", "open: nobody reads /var/log/cloud-init.log")
	}
	for what, text := range map[string]string{"boot 1": out[0], "boot 2, early": m.left("early.2"), "boot 2": out[1]} {
		m.wantLines(what, text, "closed: nobody port 80", "closed: container port 80", "open: root gets the identity from port 80",
			"open: nobody gets the identity from port 179", "open: container gets the identity from port 179")
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "open: nobody reads") || strings.HasPrefix(line, "mode: ") ||
				strings.HasSuffix(line, "from port 80\n") && !strings.Contains(line, "root") {
				t.Errorf("%s: %s", what, line)
			}
		}
	}
	for _, name := range []string{"verify.1", "verify.2"} {
		m.wantLines(name, m.left(name), "pass: the metadata service is closed to other users", "pass: the metadata service is closed to containers on docker0",
			"pass: /srv/app/.env is root:root 0600", "pass: no identity is readable by others in /run/cloud-init, /var/lib, /var/log, /tmp and /etc")
	}
	m.wantLines("verify, opened", m.left("verify.open"), "FAIL: the metadata service is closed to other users", "FAIL: the metadata service is closed to containers on docker0")
	m.wantLines("boot 2", out[1], "verify ends with 0", "opened, verify ends with 1")
	for _, text := range out {
		_, again, _ := strings.Cut(text, "-- again\n")
		m.wantLines("after both were loaded anew", again, "active", "closed: nobody port 80", "closed: container port 80", "table inet own {", `  "metadata": "closed",`)
	}
}
