package firstboot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// A clone, started as another instance: nothing is dropped, what was inherited is
// gone before docker would start, and docker does not.
func TestClone(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			every := sealed(t, identity, "/run/secrets/app", "A=1")
			every.EveryBoot = true
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files: []firstboot.File{every, sealed(t, identity, "/srv/app/.env", "B=1")}, Identity: secretOf(identity),
			})
			// The clone has no script of its own.
			m.from(2, map[string]any{"instance-v2-id": "11111111-0000-0000-0000-000000000002", "vendor-data": ""})
			m.from(3, map[string]any{"instance-v2-id": "11111111-0000-0000-0000-000000000003"})
			out := m.boot(3, `
[ "$(cat /test/boot)" != 3 ] || for i in $(seq 100); do systemctl is-active -q docker.service && break; sleep 0.1; done
ls /run/secrets/app /srv/app/.env /var/lib/ageenv/identity /var/lib/ageenv/sealed.* | sed 's/sealed\..*/sealed/'
systemctl is-active ageenv.service docker.service
grep -E '"(result|reason)"' /var/lib/ageenv/status.json
cat /var/lib/cloud/data/instance-id
`)
			m.wantLines("boot 1", out[0], "/run/secrets/app", "/srv/app/.env", "active", `  "result": "ok",`)
			m.wantLines("boot 2", out[1], "failed", "inactive", `  "result": "failed",`, `  "reason": "clone",`,
				"11111111-0000-0000-0000-000000000002")
			m.wantCastOff(out[1])
			// With a script of its own it is a box of its own, and docker starts when the files are there.
			m.wantLines("boot 3", out[2], "/run/secrets/app", "/srv/app/.env", "active\nactive", `  "result": "ok",`)
			if got := m.left("docker"); got != "started\napp\nstarted\n" {
				t.Errorf("docker: %q", got)
			}
		})
	}
}

// wantCastOff asserts that a clone, which was asked for all that it could have
// inherited by ls, has nothing of it.
func (m *machine) wantCastOff(text string) {
	m.t.Helper()
	for _, file := range []string{"/run/secrets/app", "/srv/app/.env", "/var/lib/ageenv/identity", "/var/lib/ageenv/sealed"} {
		if !strings.Contains(text, "cannot access '"+file) {
			m.t.Errorf("the clone has %s", file)
		}
	}
}

// serialNumber gives the box the serial number that is in /test/serial.N from boot N
// on, where there is such a file: the building machine's DMI is not the box's.
func (m *machine) serialNumber(boot int, serial string) {
	m.t.Helper()
	if serial == "" {
		return
	}
	m.write(fmt.Sprintf("%s/test/serial.%d", m.dir, boot), serial+"\n", 0o400)
	m.unit(fmt.Sprintf("serial-%d.service", boot), "sysinit.target", fmt.Sprintf("[Unit]\nDefaultDependencies=no\nBefore=sysinit.target ageenv-metadata.service cloud-init-local.service cloud-init-main.service\n"+
		"[Service]\nType=oneshot\nExecCondition=/bin/grep -qx %[1]d /test/boot\nExecStart=/bin/mkdir -p /run/dmi/upper/dmi/id /run/dmi/work\n"+
		"ExecStart=/bin/cp /test/serial.%[1]d /run/dmi/upper/dmi/id/product_serial\n"+
		"ExecStart=/bin/mount -t overlay -o lowerdir=/sys/class,upperdir=/run/dmi/upper,workdir=/run/dmi/work overlay /sys/class\n", boot))
}

// outage has the metadata service not answer from a boot on.
func (m *machine) outage(boot int) {
	m.t.Helper()
	m.write(fmt.Sprintf("%s/v1.json.%d", m.dir, boot), "", 0o600)
}

// Which box is it at the second boot: both serial numbers decide, else both instance
// IDs; else it is unknown, and nothing is removed. An instance of "none" is an outage
// of the metadata service.
func TestWhichBox(t *testing.T) {
	const first, second = "11111111-0000-0000-0000-000000000001", "11111111-0000-0000-0000-000000000002"
	for _, tt := range []struct {
		name      string
		serials   [2]string
		instance  string
		result    string // of the second boot, and its reason
		isUnknown bool
	}{
		{"same serial and another instance", [2]string{"1000001", "1000001"}, second, "same", false},
		{"same serial and outage", [2]string{"1000001", "1000001"}, "none", "same", false},
		{"another serial and same instance", [2]string{"1000001", "1000002"}, first, "clone", false},
		{"no serials and outage", [2]string{}, "none", "same", true},
		{"serial that is lost and outage", [2]string{"1000001", ""}, "none", "same", true},
	} {
		for _, release := range releases {
			t.Run(tt.name+"/debian "+release, func(t *testing.T) {
				identity := newIdentity(t)
				m := newMachine(t, release)
				m.keepsNetwork()
				// Boxes have this list; and the outage is believed sooner than on them.
				m.put("/etc/cloud/cloud.cfg.d/99-vultr.cfg", "datasource_list: [Vultr, None]\ndatasource: {Vultr: {retries: 1, timeout: 1, wait: 1}}\n", 0o644)
				m.put("/etc/dhcp/dhclient.conf", "timeout 1;\n", 0o644)
				every := sealed(t, identity, "/run/secrets/app", "A=1")
				every.EveryBoot = true
				m.metadata["vendor-data"] = render(t, firstboot.Params{
					Files: []firstboot.File{every, sealed(t, identity, "/srv/app/.env", "B=1")}, Identity: secretOf(identity),
				})
				m.serialNumber(1, tt.serials[0])
				m.serialNumber(2, tt.serials[1])
				m.serialNumber(3, tt.serials[0])
				boots := 3
				if tt.result == "clone" {
					boots = 2
				}
				if tt.instance == "none" {
					m.outage(2)
				} else {
					m.from(2, map[string]any{"instance-v2-id": tt.instance, "vendor-data": ""})
				}
				m.from(3, map[string]any{"vendor-data": ""})
				out := m.boot(boots, `
cat /var/lib/cloud/data/instance-id
echo "serial: $(cat /sys/class/dmi/id/product_serial)"
ls /run/secrets/app /srv/app/.env /var/lib/ageenv/identity /var/lib/ageenv/sealed.* | sed 's/sealed\..*/sealed/'
systemctl is-active ageenv.service docker.service
grep -E '"(result|reason)"' /var/lib/ageenv/status.json
echo "recorded: $(echo $(cat /var/lib/ageenv/box))"
journalctl -b -u ageenv.service -o cat
`)
				m.wantLines("boot 1", out[0], first, "/run/secrets/app", "/srv/app/.env", `  "result": "ok",`, `  "reason": "",`)
				instance := tt.instance
				if instance == "none" {
					instance = "iid-datasource-none"
				}
				m.wantLines("boot 2", out[1], instance, "serial: "+tt.serials[1])
				if tt.result == "clone" {
					m.wantLines("boot 2", out[1], "failed\ninactive", `  "result": "failed",`, `  "reason": "clone",`)
					m.wantCastOff(out[1])
					return
				}
				if tt.instance == "none" {
					m.wantLines("boot 3", out[2], first)
				}
				for boot, text := range out[1:] {
					reason := ""
					if boot == 0 && tt.isUnknown {
						reason = "unknown-instance"
					}
					m.wantLines(fmt.Sprint("boot ", boot+2), text, "/run/secrets/app", "/srv/app/.env", "/var/lib/ageenv/identity", "/var/lib/ageenv/sealed",
						"active\nactive", `  "result": "ok",`, `  "reason": "`+reason+`",`, "recorded: "+strings.TrimSpace(first+" "+tt.serials[0]))
				}
				// What docker found as it started, each time.
				if got := m.left("docker"); got != "started\napp\nstarted\napp\nstarted\n" {
					t.Errorf("docker: %q", got)
				}
			})
		}
	}
}
