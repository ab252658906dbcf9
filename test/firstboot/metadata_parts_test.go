package firstboot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// Units of every kind that the plan lets through, and a box that lacks one of the
// three things that close the service: verify and close say the same, and what verify
// says to do is to the point.
func TestMetadataInParts(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			m := newMachine(t, release)
			m.keepsNetwork()
			metadataInParts(t, m)
		})
	}
}

func metadataInParts(t *testing.T, m *machine) {
	t.Helper()
	identity := newIdentity(t)
	p := firstboot.Params{Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity)}
	m.write(m.dir+"/test/open", render(t, p), 0o700)
	p.BlockMetadata, p.MetadataUnits = true, []string{"kubepods.slice", "bird@.service", "peer@1.service", "pod.scope", "nothing.service"}
	m.metadata["vendor-data"] = render(t, p)
	m.patience = 8 * time.Minute
	m.spies()
	m.noUnit("window.service", "sysinit.target")
	for _, name := range []string{"bird@.service", "peer@.service"} {
		m.put("/etc/systemd/system/"+name, "[Service]\nExecStart=/bin/sleep infinity\n", 0o644)
	}
	out := m.boot(2, callers+`
ageenv=/usr/local/sbin/ageenv
verify() { $ageenv verify >/test/verify.$1; echo "$1: verify ends with $?"; }
close() { $ageenv close 2>&1 | sed "s/^/$1: /"; echo "$1: close ends with ${PIPESTATUS[0]}"; }
systemctl show -p ExecMainStartTimestampMonotonic -p ExecMainExitTimestampMonotonic ageenv-metadata.service
[ "$(cat /test/boot)" = 2 ] || exit 0
systemd-run -q --unit=pod --slice=kubepods-burstable.slice sleep infinity
systemd-run -q --scope --unit=pod sleep infinity &
systemctl start bird@a peer@1 peer@2
for i in $(seq 100); do systemctl is-active -q pod.scope && break; sleep 0.1; done
for group in kubepods.slice/kubepods-burstable.slice/pod.service system.slice/pod.scope system.slice/system-bird.slice/bird@a.service system.slice/system-peer.slice/peer@1.service; do
	in_group $group $try ${group##*/}
	in_group $group $nobody $try user-${group##*/}
done
in_group system.slice/system-peer.slice/peer@2.service $try peer@2.service
verify units
# A unit that somebody else lets through, and a slice in which root is closed out all the same.
systemd-run -q --unit=foreign -p IPAddressAllow=link-local sleep infinity
systemd-run -q --unit=guest --slice=guests.slice -p IPAddressAllow=any sleep infinity
in_group guests.slice/guest.service $try guest
verify others
systemctl stop foreign guest
mkdir /sys/fs/cgroup/system.slice/runc
in_group system.slice/runc sleep infinity &
sleep 0.1
verify group
kill $(cat /sys/fs/cgroup/system.slice/runc/cgroup.procs)
# A link that is detached keeps its name.
python3 -I - <<'END'
import ctypes, glob, os, struct
libc = ctypes.CDLL(None)
name = ctypes.create_string_buffer(glob.glob("/sys/fs/bpf/ageenv*")[0].encode())
number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
fd = libc.syscall(number, 7, struct.pack("=QII", ctypes.addressof(name), 0, 0), 16)
print("detached:", fd > 0 and libc.syscall(number, 34, struct.pack("=I", fd), 4))
END
verify detached
close detached
verify attached
umount /sys/fs/bpf
verify no-filter
close no-filter
bash -c "$ageenv close --quick" 2>/dev/null; echo "no-filter: quickly, close ends with $?"
mount -t bpf bpf /sys/fs/bpf
close filter
for pref in 90 91 92; do ip -4 rule del pref $pref; done
ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up
ip=$(command -v ip)
mv $(realpath $ip) /run/ip.away
verify no-ip
close no-ip
mv /run/ip.away $(realpath -m $ip)
close ip
verify ip
jobs -p | xargs kill
# An administrator denies other addresses: they stay denied when ours is taken back.
mkdir -p /etc/systemd/system/-.slice.d
printf '[Slice]\nIPAddressDeny=10.8.8.8\n' >/etc/systemd/system/-.slice.d/own.conf
systemctl daemon-reload
/test/open
in_group system.slice/system-bird.slice/bird@a.service $try opened
in_group system.slice/system-bird.slice/bird@a.service python3 -I -c 'import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("10.8.8.8", 9))' 2>&1 | grep -o 'not permitted'
# systemd writes the whole list to the file that holds it for good, with ours in it.
sh /var/lib/cloud/instance/scripts/vendor/part-001
systemctl set-property -- -.slice IPAddressDeny=10.9.9.9
/test/open 2>&1 | grep stays
systemctl show -p IPAddressDeny -- -.slice | grep -o 169.254.169.254
`)
	text := out[1]
	for _, unit := range []string{"pod.service", "pod.scope", "bird@a.service", "peer@1.service"} {
		m.wantLines("let through", text, unit+" plain open", unit+" bound open", "user-"+unit+" plain closed", "user-"+unit+" bound closed")
	}
	m.wantLines("boot 2", text, "peer@2.service plain closed", "guest plain closed", "guest bound closed", "detached: 0",
		"units: verify ends with 0", "others: verify ends with 1", "group: verify ends with 1", "detached: verify ends with 1", "detached: close ends with 0", "attached: verify ends with 0",
		"no-filter: verify ends with 1", "no-filter: close ends with 1", "no-filter: quickly, close ends with 1",
		"no-filter: ageenv: the metadata service stays open to control groups that are not systemd's, and to other users in cloud-init's units: "+
			"the kernel does not take a packet filter, which needs Linux 5.7 or later, cgroup v2, and /sys/fs/bpf",
		"filter: close ends with 0",
		"no-ip: verify ends with 1", "no-ip: close ends with 1",
		"no-ip: ageenv: the metadata service stays open to containers: there is no ip program, or it or the kernel does not take the rules",
		"ip: close ends with 0", "ip: verify ends with 0", "opened plain open", "opened bound open", "not permitted",
		"ageenv: the metadata service stays closed: something else denies its address, see systemctl cat -- -.slice", "169.254.169.254")
	const again = ": run `ageenv close` as root and read its message, then verify again"
	for name, want := range map[string][]string{
		"units":  {},
		"others": {"FAIL: the metadata service is open to root in foreign.service, which has IPAddressAllow="},
		"group": {"FAIL: the metadata service is open to root in /system.slice/runc, by a plain socket, a socket bound to eth0: " +
			"it is not systemd's: have the program that made it use another parent than system.slice"},
		"no-ip": {"FAIL: the routing rules of the metadata service are missing" + again},
	} {
		var failures []string
		for line := range strings.Lines(m.left("verify." + name)) {
			if strings.HasPrefix(line, "FAIL: ") {
				failures = append(failures, strings.TrimSpace(line))
			}
		}
		if len(failures) != len(want) {
			t.Errorf("%s: verify fails by %q", name, failures)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(failures[i], want[i]) {
				t.Errorf("%s: verify says %q, want %q", name, failures[i], want[i])
			}
		}
	}
	m.wantLines("verify.no-ip", m.left("verify.no-ip"), "unseen: what is forwarded from docker0: there is no ip program")
	if t.Failed() {
		t.Log(text)
	}
}

// An administrator has taken the fence down, and network and cloud-init come before
// basic.target, as they do on a box: it is up again at the next boot, which waits for
// no unit that waits for the network. And what is taken back at a later boot is gone.
func TestMetadataBeforeTheNetwork(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			m := newMachine(t, release)
			m.patience = 8 * time.Minute
			m.keepsNetwork()
			identity := newIdentity(t)
			p := firstboot.Params{Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity)}
			m.write(m.dir+"/test/open", render(t, p), 0o700)
			p.BlockMetadata = true
			m.metadata["vendor-data"] = render(t, p)
			m.spies()
			m.noUnit("window.service", "sysinit.target")
			m.unit("online.service", "sysinit.target", "[Unit]\nDefaultDependencies=no\nAfter=network-pre.target\nBefore=sysinit.target\n[Service]\nType=oneshot\nExecStart=/bin/true\n")
			out := m.boot(2, callers+`
if [ "$(cat /test/boot)" = 1 ]; then
	systemctl revert -- -.slice
	exit
fi
started=$(systemctl show --value -p ExecMainStartTimestampMonotonic ageenv-metadata.service)
ended=$(systemctl show --value -p ExecMainExitTimestampMonotonic ageenv-metadata.service)
[ $((ended - started)) -lt 30000000 ] && echo in time || echo "it took $(((ended - started) / 1000000)) s"
$try root
$nobody $try nobody
grep '"metadata"' /var/lib/ageenv/status.json
/usr/local/sbin/ageenv verify >/test/verify; echo "verify ends with $?"
systemctl reset-failed; /test/open
echo "units: $(systemctl list-units --state=active,failed --plain --no-legend 'ageenv-metadata*')"
`)
			m.wantLines("boot 2", out[1], "in time", "root plain closed", "root bound closed", "nobody plain closed", "nobody bound closed", `  "metadata": "closed",`, "verify ends with 0", "units: ")
		})
	}
}
