package firstboot_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

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
grep ^FAIL: /test/verify.$(cat /test/boot)
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
	# What a reload and others' settings leave open on Debian 13: units in slices of their own.
	systemctl set-property --runtime -- -.slice IPAddressDeny=
	systemctl daemon-reload
	systemctl set-property --runtime -- -.slice IPAddressDeny=169.254.169.254
	/usr/local/sbin/ageenv verify >/test/verify.slices; echo "with slices left out, verify ends with $?"
	/usr/local/sbin/ageenv close; echo "close ends with $?"
	callers slices
	/usr/local/sbin/ageenv verify; echo "at last, verify ends with $?"
fi
systemctl stop window.service
for i in 1 2 3; do bash -c 'TIMEFORMAT="ageenv close --quick: %R s, of which CPU %U+%S"; time /usr/local/sbin/ageenv close --quick'; done
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
			phases = append(phases, "early", "again", "slices")
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
	m.wantLines("boot 2", out[1], "without the filter, verify ends with 1", "without the rules, verify ends with 1", "without the fence, verify ends with 1", "close ends with 0", "at last, verify ends with 0")
	if release == "13" {
		m.wantLines("boot 2", out[1], "with slices left out, verify ends with 1")
	}
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
	# As every installation of a package does.
	systemctl daemon-reload
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
