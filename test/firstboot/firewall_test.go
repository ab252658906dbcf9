//go:build vm

package firstboot_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// firewalls are what administrators run, with what is done to them after the script.
// Debian 13's cloud-init and firewalld cannot be installed together.
var firewalls = []struct {
	name, start string
	releases    []string
	reloads     map[string]string
}{
	{"ufw", "ufw allow 22/tcp && ufw --force enable && ufw status", []string{"12", "13"}, map[string]string{
		"reload": "ufw reload", "enable": "ufw disable && ufw --force enable", "disable": "ufw disable",
	}},
	{"firewalld", "systemctl enable --now firewalld && firewall-cmd --state", []string{"12"}, map[string]string{
		"reload": "firewall-cmd --reload", "complete-reload": "firewall-cmd --complete-reload", "stop": "systemctl stop firewalld",
	}},
}

// behind are the callers whose packets a firewall forwards, if it does.
var behind = []string{"bridged-container", "bridged-outside", "macvlan-container", "macvlan-outside"}

// A firewall does not close the metadata service, and what is done to it afterwards does
// not open it; at the next boot, which starts the firewall, it is never open.
func TestVMFirewalls(t *testing.T) {
	for _, level := range []string{"container", "vm"} {
		for _, firewall := range firewalls {
			for _, release := range firewall.releases {
				t.Run(level+"/"+firewall.name+"/debian "+release, func(t *testing.T) {
					var m *machine
					if level == "vm" {
						m = newVM(t, release)
					} else {
						m = containerOver(t, vmRootfs(t, release))
						m.patience = 6 * time.Minute
						// The container has its network from the start.
						m.put("/etc/systemd/system/systemd-networkd-wait-online.service", "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/true\n", 0o644)
						m.keepsNetwork()
					}
					behindAFirewall(t, m, firewall.start, firewall.reloads)
				})
			}
		}
	}
}

func behindAFirewall(t *testing.T, m *machine, start string, reloads map[string]string) {
	t.Helper()
	identity := newIdentity(t)
	m.metadata["vendor-data"] = fenced(t, firstboot.Params{
		Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity),
	})
	m.spies()
	m.unit("early.service", "multi-user.target", "[Unit]\nAfter=cloud-init.service cloud-init-network.service\nBefore=cloud-config.service cloud-final.service\n"+
		"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/bash /test/early\n")
	m.write(m.dir+"/test/early", "[ \"$(cat /test/boot)\" = 1 ] || exit 0\nexec >/test/early.out 2>&1\n"+networks+callers+
		"{ "+start+"; } || echo the firewall does not start\ncallers early\n", 0o755)
	phases := []string{"late"}
	probe := callers + "[ \"$(cat /test/boot)\" = 1 ] || { " + networks + "}\ncallers late\n"
	for _, name := range slices.Sorted(maps.Keys(reloads)) {
		phases = append(phases, name)
		probe += "{ " + reloads[name] + "; } || echo the firewall fails\ncallers " + name + "\n"
	}
	out := m.boot(2, probe+`
/usr/local/sbin/ageenv verify >/test/verify; echo "verify ends with $?"
systemctl stop window.service
`)
	early := m.left("early.out")
	host := slices.DeleteFunc(slices.Clone(spied), func(caller string) bool { return slices.Contains(behind, caller) })
	m.wantCallers(early, "early", "open", host...)
	for boot, text := range append(out, early) {
		for _, bad := range []string{"the firewall does not start", "the firewall fails"} {
			if strings.Contains(text, bad) {
				t.Errorf("boot %d: %s:\n%s", boot+1, bad, text)
			}
		}
	}
	for _, text := range out {
		for _, phase := range phases {
			m.wantCallers(text, phase, "closed", spied...)
			m.wantCallers(text, phase, "open", "allowed")
		}
		m.wantLines("the box", text, "verify ends with 0")
	}
	m.wantWindow()
}
