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
systemd-run -q --unit=app@1 sleep infinity
systemd-run -q --unit=own-slice --slice=a-b.slice sleep infinity
systemd-run -q --unit=session --slice=user-0.slice sleep infinity
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
		in_group system.slice/system-app.slice/app@1.service $try template &
		for port in 80 179; do
			in_group a.slice/a-b.slice/own-slice.service $try own-slice-$port $port &
			in_group user.slice/user-0.slice/session.service $try session-$port $port &
		done
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
	"nobody", "root", "user-namespace", "new-unit", "new-unit-root", "user-slice", "delegated", "template", "own-slice-80", "own-slice-179", "session-80", "session-179",
	"host-container", "host-user-container",
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
