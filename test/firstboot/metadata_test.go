package firstboot_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// networks are what docker makes: a bridge with a network behind it, and a network
// that is on eth0's own wire; and two control groups, one outside systemd's tree as
// docker's cgroupfs driver makes them, and one that systemd has delegated.
const networks = `
ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up
ip netns add bridged && ip link add v0 type veth peer name eth0 netns bridged && ip link set v0 master docker0 up
ip netns exec bridged ip link set lo up && ip netns exec bridged ip addr add 172.17.0.2/16 dev eth0 && ip netns exec bridged ip link set eth0 up
ip netns exec bridged ip route add default via 172.17.0.1
ip link add mv0 link eth0 type macvlan mode bridge && ip netns add macvlan && ip link set mv0 netns macvlan
ip -n macvlan link set lo up && ip -n macvlan addr add 10.99.0.3/24 dev mv0 && ip -n macvlan link set mv0 up && ip -n macvlan route add 169.254.169.254 dev mv0
mkdir -p /sys/fs/cgroup/outside
systemd-run -q --unit=delegated -p Delegate=yes --property=DelegateSubgroup=main sleep infinity 2>/dev/null || systemd-run -q --unit=delegated -p Delegate=yes sleep infinity
mkdir -p /sys/fs/cgroup/system.slice/delegated.service/container
`

// callers try everything at the same time, and then print a line for each way:
// PHASE CALLER WAY open|closed.
const callers = `
in_group() { ( echo 0 >/sys/fs/cgroup/$1/cgroup.procs; shift; exec "$@" ) }
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
try='python3 -I /test/try.py'
unit='systemd-run -q --pipe --wait --collect'
callers() {
	{
		$nobody $try nobody &
		$try root &
		$nobody unshare --user --map-root-user $try user-namespace &
		$unit --uid=65534 $try new-unit &
		$unit $try new-unit-root &
		$unit --slice=user.slice --uid=65534 $try user-slice &
		in_group system.slice/delegated.service/container $try delegated &
		for group in system.slice/delegated.service/container outside; do
			in_group $group $try host-${group##*/} &
			in_group $group $nobody $try host-user-${group##*/} &
			for network in bridged macvlan; do
				in_group $group ip netns exec $network $try $network-${group##*/} &
			done
		done
		$unit -p IPAddressAllow=169.254.169.254 --uid=65534 $try user-of-cloud-init &
		$unit -p IPAddressAllow=169.254.169.254 $try allowed &
		$try other-port 179 &
		wait
	} | sort | sed "s/^/$1 /"
	for file in $(grep -rl AGE-SECRET-KEY-1 /run /var/lib /var/log /tmp /etc /usr/local 2>/dev/null); do
		$nobody grep -q AGE-SECRET-KEY-1 "$file" 2>/dev/null && echo "$1 nobody reads $file"
		[ "$(stat -c %a "$file" | tail -c 3)" = 00 ] || echo "$1 mode of $file is $(stat -c %a "$file")"
	done
	true
}
`

// spied are the callers that are to get nothing. Root in an allowed unit, as in
// cloud-init's own, gets through.
var spied = []string{
	"nobody", "root", "user-namespace", "new-unit", "new-unit-root", "user-slice", "delegated", "host-container", "host-user-container",
	"bridged-container", "macvlan-container", "host-outside", "host-user-outside", "bridged-outside", "macvlan-outside", "user-of-cloud-init", "other-port",
}

// wantCallers asserts what the callers of a phase have found: all alike, and both
// by plain and by bound sockets.
func (m *machine) wantCallers(text, phase, result string, callers ...string) {
	m.t.Helper()
	for _, caller := range callers {
		for _, way := range []string{"plain", "bound"} {
			line := strings.Join([]string{phase, caller, way, result}, " ")
			if !slices.Contains(strings.Split(text, "\n"), line) {
				m.t.Errorf("no line %q", line)
			}
		}
	}
}

// wantNoCopies asserts that no caller of a phase has found a copy of the script.
func (m *machine) wantNoCopies(text, phase string) {
	m.t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, phase+" nobody reads ") || strings.HasPrefix(line, phase+" mode of ") {
			m.t.Error(strings.TrimSpace(line))
		}
	}
}

// spies gives the box its programs, and a daemon that speaks BGP, as another user,
// with the address.
func (m *machine) spies() {
	m.t.Helper()
	for _, name := range []string{"try.py", "window.py"} {
		text, err := os.ReadFile(name)
		if err != nil {
			m.t.Fatal(err)
		}
		m.write(m.dir+"/test/"+name, string(text), 0o644)
	}
	m.unit("window.service", "sysinit.target", "[Unit]\nDefaultDependencies=no\nAfter=count.service\nBefore=cloud-init-local.service cloud-init-main.service\n"+
		"[Service]\nType=exec\nUser=nobody\nExecStart=/usr/bin/python3 -I /test/window.py\nStandardOutput=append:/test/window\n")
	m.put("/etc/systemd/system/bird.service", "[Service]\nType=oneshot\nUser=daemon\nStandardOutput=append:/test/bird\n"+
		"ExecStart=/usr/bin/python3 -I /test/try.py bgp 179\nExecStart=/usr/bin/python3 -I /test/try.py http 80\n", 0o644)
	m.put("/etc/systemd/system/peer.service", "[Service]\nType=exec\nUser=daemon\nStandardOutput=append:/test/peer\n"+
		"ExecStart=/usr/bin/python3 -I /test/try.py --keep peer /run/kept 179\n", 0o644)
}

// fenced is a script that closes the metadata service to all but bird.service, and
// peer.service, which has a session when the script runs.
func fenced(t *testing.T, p firstboot.Params) string {
	t.Helper()
	p.BlockMetadata, p.MetadataUnits = true, []string{"bird.service", "peer.service"}
	return render(t, p)
}

// Before the script has run, everything is seen to be open. Afterwards it is closed,
// to what ran before and to what is new; it stays so when firewall, network and
// systemd are loaded again; and at the next boot it is closed from the first unit on.
func TestMetadataIsClosed(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			m := newMachine(t, release)
			m.keepsNetwork()
			metadataIsClosed(t, m, release)
		})
	}
}

func metadataIsClosed(t *testing.T, m *machine, release string) {
	t.Helper()
	identity := newIdentity(t)
	m.metadata["vendor-data"] = fenced(t, firstboot.Params{
		Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity),
	})
	m.spies()
	// The first unit of a boot that has the network.
	m.unit("first.service", "sysinit.target", "[Unit]\nDefaultDependencies=no\nAfter=count.service\nBefore=ageenv-metadata.service cloud-init-local.service cloud-init-main.service\n"+
		"[Service]\nType=oneshot\nExecStart=/bin/bash /test/first\n")
	m.write(m.dir+"/test/first", callers+"[ \"$(cat /test/boot)\" != 2 ] || { $nobody $try nobody; $try root; } | sed 's/^/first /' >/test/first.out\n", 0o755)
	m.unit("early.service", "multi-user.target", "[Unit]\nAfter=cloud-init.service cloud-init-network.service\nBefore=cloud-config.service cloud-final.service\n"+
		"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/bash /test/early\n")
	m.write(m.dir+"/test/early", "exec >/test/early.$(cat /test/boot) 2>&1\n"+networks+callers+`
if [ "$(cat /test/boot)" = 1 ]; then
	cp /run/cloud-init/instance-data.json /tmp/firstboot.exec
	install -d -m 1777 /run/kept
	for uid in 0 65534; do
		systemd-run -q --unit=kept-$uid --uid=$uid -p StandardOutput=append:/test/kept python3 -I /test/try.py --keep $uid /run/kept
	done
	systemctl start peer.service
	for uid in 0 65534 peer; do
		for i in $(seq 100); do [ ! -e /run/kept/kept.$uid ] || break; sleep 0.1; done
	done
fi
callers early
`, 0o755)
	// An image's own ruleset, which stays.
	m.put("/etc/nftables.conf", "#!/usr/sbin/nft -f\nflush ruleset\ntable inet own {\n\tchain input {\n\t\ttype filter hook input priority 0;\n\t}\n}\n", 0o755)
	out := m.boot(2, callers+`
callers late
systemctl start bird.service
if [ "$(cat /test/boot)" = 1 ]; then
	touch /run/kept/go
	for i in $(seq 100); do systemctl is-active -q kept-0 || systemctl is-active -q kept-65534 || systemctl is-active -q peer || break; sleep 0.1; done
fi
nft list ruleset | grep -c 'table inet own'
nft -f /etc/nftables.conf
nft flush ruleset
# Debian 12's sometimes runs out of buffers when it starts here, and starts again by itself.
systemctl restart systemd-networkd
for i in $(seq 300); do systemctl is-active -q systemd-networkd && break; sleep 0.1; done
systemctl is-active systemd-networkd || journalctl -b -o cat -u systemd-networkd | tail -12
callers firewall
systemctl daemon-reload
callers reload
systemctl daemon-reexec
callers reexec
# Loopback and IPv6 have nothing to do with it.
for address in 127.0.0.1 ::1; do
	python3 -I -c 'import socket, sys; s = socket.create_server((sys.argv[1], 80), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
while True: s.accept()' $address &
	for i in $(seq 100); do $nobody python3 -I -c 'import socket, sys; socket.create_connection((sys.argv[1], 80), 1)' $address 2>/dev/null && echo "$address is reached" && break; sleep 0.1; done
	kill $! 2>/dev/null
done
grep '"metadata"' /var/lib/ageenv/status.json
/usr/local/sbin/ageenv verify >/test/verify.$(cat /test/boot); echo "verify ends with $?"
if [ "$(cat /test/boot)" = 2 ]; then
	rm -f /sys/fs/bpf/ageenv*
	/usr/local/sbin/ageenv verify >/test/verify.filter; echo "without the filter, verify ends with $?"
	/usr/local/sbin/ageenv close; echo "close ends with $?"
	ip -4 rule del pref 91
	/usr/local/sbin/ageenv verify >/test/verify.rules; echo "without the rules, verify ends with $?"
	/usr/local/sbin/ageenv close
	systemctl set-property --runtime -- -.slice IPAddressDeny=
	/usr/local/sbin/ageenv verify >/test/verify.fence; echo "without the fence, verify ends with $?"
	/usr/local/sbin/ageenv close; echo "close ends with $?"
	callers again
fi
systemctl stop window.service
for i in 1 2 3; do bash -c 'TIMEFORMAT="ageenv close: %R s, of which CPU %U+%S"; time /usr/local/sbin/ageenv close'; done
for i in 1 2 3; do bash -c 'TIMEFORMAT="ageenv tighten: %R s, of which CPU %U+%S"; time /usr/local/sbin/ageenv tighten'; done
journalctl -b -o cat -u ageenv-metadata -u ageenv | grep ageenv:
systemctl show -p ExecMainStartTimestampMonotonic -p ExecMainExitTimestampMonotonic ageenv-metadata.service
systemctl is-failed cloud-init-local cloud-init cloud-init-network cloud-init-main cloud-final
`)
	early := m.left("early.1")
	m.wantCallers(early, "early", "open", append([]string{"allowed"}, spied...)...)
	if release == "12" {
		m.wantLines("before the script", early, "early nobody reads /run/cloud-init/instance-data.json", "early nobody reads /var/log/cloud-init.log")
	}
	for boot, text := range out {
		phases := []string{"late", "firewall", "reload", "reexec"}
		if boot == 1 {
			text += m.left("early.2")
			phases = append(phases, "early", "again")
		}
		for _, phase := range phases {
			m.wantCallers(text, phase, "closed", spied...)
			m.wantCallers(text, phase, "open", "allowed")
			m.wantNoCopies(text, phase)
		}
		m.wantLines("loaded again", text, "active", "127.0.0.1 is reached", "::1 is reached", `  "metadata": "closed",`, "verify ends with 0")
		if strings.Contains(text, "\nfailed") {
			t.Errorf("boot %d: a stage of cloud-init has failed", boot+1)
		}
	}
	m.wantCallers(m.left("first.out"), "first", "closed", "nobody", "root")
	m.wantWindow()
	for _, caller := range []string{"kept-0", "kept-65534", "old-0", "old-65534"} {
		m.wantLines("ran before", m.left("kept"), caller+" plain closed", caller+" bound closed")
	}
	m.wantLines("peer.service", m.left("peer"), "kept-peer plain open", "kept-peer bound open", "old-peer plain open", "old-peer bound open")
	m.wantLines("bird.service", m.left("bird"), "bgp plain open", "bgp bound open", "http plain closed", "http bound closed")
	for name, lines := range map[string][]string{
		"verify.1": {
			"pass: the metadata service is closed to root and other users in a new service, by sockets plain and bound to each device",
			"pass: the metadata service is closed to what is forwarded from docker0", "unseen: the metadata service as bird.service finds it: the plan lets it through",
		},
		"verify.filter": {"FAIL: the metadata service is open to root in a control group that is not systemd's, by a plain socket, a socket bound to eth0: run `ageenv close` as root and read its message, then verify again"},
		"verify.rules":  {"FAIL: the metadata service is open to what is forwarded from docker0: run `ageenv close` as root and read its message, then verify again"},
		"verify.fence":  {"FAIL: the metadata service is open to root in a new service, by a plain socket, a socket bound to eth0: run `ageenv close` as root and read its message, then verify again"},
	} {
		m.wantLines(name, m.left(name), lines...)
	}
	m.wantLines("boot 2", out[1], "without the filter, verify ends with 1", "without the rules, verify ends with 1", "without the fence, verify ends with 1", "close ends with 0")
	for line := range strings.Lines(out[1]) {
		if strings.HasPrefix(line, "ageenv") || strings.HasPrefix(line, "ExecMain") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// A kernel, or a container, in which nothing may call bpf(2): systemctl says that
// it has set the property, and the service is open. The status says so.
func TestMetadataWithoutBPF(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			m.metadata["vendor-data"] = fenced(t, firstboot.Params{
				Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity),
			})
			m.spies()
			m.write(m.dir+"/calls", "~bpf", 0o644)
			out := m.boot(2, callers+`
{ $nobody $try nobody & $try root & wait; } | sed 's/^/late /'
grep '"metadata"' /var/lib/ageenv/status.json
systemctl show -p IPAddressDeny -- -.slice
/usr/local/sbin/ageenv verify >/test/verify; echo "verify ends with $?"
`)
			for _, text := range out {
				m.wantLines("without BPF", text, "late nobody plain closed", "late nobody bound open", "late root plain open",
					"IPAddressDeny=169.254.169.254/32", `  "metadata": "open",`, "verify ends with 1")
			}
		})
	}
}

// A later script that does not ask for it opens everything, and leaves no trace.
func TestMetadataIsOpenedAgain(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			p := firstboot.Params{Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity)}
			m.metadata["vendor-data"] = fenced(t, p)
			m.write(m.dir+"/test/open", render(t, p), 0o700)
			m.spies()
			out := m.boot(2, networks+callers+`
if [ "$(cat /test/boot)" = 1 ]; then
	systemctl start delegated
	systemd-run -q --unit=old sleep infinity
	/test/open; echo "it ends with $?"
	in_group system.slice/old.service $try old | sed 's/^/opened /'
fi
callers opened
find /etc/systemd /run/systemd -path '*ageenv-metadata*' -o -path '*system.control*'
ls /sys/fs/bpf | grep ageenv
ip -4 rule | grep 169.254
systemctl show -p IPAddressDeny -p NeedDaemonReload -- -.slice
grep '"metadata"' /var/lib/ageenv/status.json
`)
			for boot, text := range out {
				m.wantCallers(text, "opened", "open", append([]string{"allowed"}, spied...)...)
				m.wantLines("boot "+string(rune('1'+boot)), text, "IPAddressDeny=", "NeedDaemonReload=no", `  "metadata": "untouched",`)
				for line := range strings.Lines(text) {
					if strings.HasPrefix(line, "/etc/") || strings.HasPrefix(line, "/run/") || strings.HasPrefix(line, "ageenv_") || strings.Contains(line, "lookup") {
						t.Errorf("boot %d left %s", boot+1, line)
					}
				}
			}
			m.wantCallers(out[0], "opened", "open", "old")
		})
	}
}
