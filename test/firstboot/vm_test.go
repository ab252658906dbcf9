//go:build vm

package firstboot_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// Virtual machines, by `make test-vm`: with the release's own kernel, its DMI, by
// which cloud-init finds its data source, and DHCP. See vm.sh.

var unpackedVM = map[string]func() (string, error){
	"12": sync.OnceValues(func() (string, error) { return unpack("12", "vm") }),
	"13": sync.OnceValues(func() (string, error) { return unpack("13", "vm") }),
}

// vmPrograms are what it needs, with their packages. Whoever asks for virtual
// machines wants to see them run: what is missing is a failure.
var vmPrograms = map[string]string{
	"qemu-system-x86_64": "qemu-system-x86", "mke2fs": "e2fsprogs", "debugfs": "e2fsprogs", "busybox": "busybox",
	"mmdebstrap": "mmdebstrap", "unshare": "util-linux", "ip": "iproute2", "python3": "python3",
}

// hardware is what a machine has from a boot on.
type hardware struct {
	serial string
	// rtc is the time of the clock, if not this machine's.
	rtc string
}

func (h hardware) options() string {
	options := []string{"-smbios", "type=1,manufacturer=Vultr,product=VHF,serial=" + h.serial}
	if h.rtc != "" {
		options = append(options, "-rtc", "base="+h.rtc)
	}
	return strings.Join(options, "\n") + "\n"
}

// accelerator is kvm where it works. There are machines that have /dev/kvm, and on
// which nothing that is started with it gets anywhere: so a kernel is started that
// has no disk to go on with, and what counts is that it says something.
var accelerator = sync.OnceValue(func() string {
	lower, err := unpackedVM["12"]()
	if err != nil {
		return "tcg"
	}
	kernels, _ := filepath.Glob(filepath.Join(lower, "boot/vmlinuz-*"))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "kvm", "-m", "512", "-nodefaults", "-display", "none", "-monitor", "none",
		"-serial", "stdio", "-no-reboot", "-kernel", strings.Join(kernels, ""), "-append", "console=ttyS0 panic=-1")
	if said, _ := qemu.Output(); strings.Contains(string(said), "Linux version") {
		return "kvm"
	}
	return "tcg"
})

// vmRootfs is a release's root file system for virtual machines; from here on the test
// runs beside others.
func vmRootfs(t *testing.T, release string) string {
	t.Helper()
	t.Parallel()
	if os.Getuid() != 0 {
		t.Fatal("not root: cannot make a root file system, nor a network for it")
	}
	for program, debian := range vmPrograms {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is not installed: apt-get install %s", program, debian)
		}
	}
	lower, err := unpackedVM[release]()
	if err != nil {
		t.Fatal(err)
	}
	return lower
}

func newVM(t *testing.T, release string) *machine {
	t.Helper()
	m := machineOver(t, vmRootfs(t, release))
	m.patience = 20 * time.Minute
	m.command = func(ctx context.Context, boots int) *exec.Cmd {
		t.Logf("accelerator: %s", accelerator())
		return exec.CommandContext(ctx, "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "./vm.sh", m.lower, m.dir, fmt.Sprint(boots), accelerator())
	}
	m.write(filepath.Join(m.dir, "qemu"), hardware{serial: "1000001"}.options(), 0o644)
	// What a stage fails over in so small a system: there is no resize2fs.
	m.put("/etc/cloud/cloud.cfg.d/90-resize.cfg", "resize_rootfs: false\n", 0o644)
	// Nothing on the outside sees a reboot, so the box counts its boots itself.
	m.unit("count.service", "sysinit.target", "[Unit]\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\nBefore=cloud-init-local.service sysinit.target\n"+
		"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo $(($(cat /test/boot) + 1)) >/test/boot'\n")
	m.unit("probe.service", "cloud-init.target", "[Unit]\nAfter=cloud-final.service multi-user.target\n"+
		"[Service]\nType=oneshot\nExecStart=/test/probe\n"+
		"ExecStopPost=/bin/sh -c 'if grep -qx \"$(cat /test/boot)\" /test/off; then systemctl --no-block poweroff; else systemctl --no-block reboot; fi'\n")
	return m
}

// fromHardware has the machine be another one from a boot on.
func (m *machine) fromHardware(boot int, h hardware) {
	m.t.Helper()
	m.write(filepath.Join(m.dir, fmt.Sprintf("qemu.%d", boot)), h.options(), 0o644)
}

// Everything that a container shows, with each delivery, with age and without.
func TestVMTwoBoots(t *testing.T) {
	for _, release := range releases {
		for _, way := range []string{"vendor", "exec"} {
			for _, decryptor := range []string{"age", "python"} {
				t.Run("debian "+release+"/"+way+"/"+decryptor, func(t *testing.T) {
					twoBoots(t, newVM(t, release), way, decryptor)
				})
			}
		}
	}
}

func TestVMMetadataIsClosed(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			m := newVM(t, release)
			m.put("/etc/sysctl.d/50-forward.conf", "net.ipv4.ip_forward=1\n", 0o644)
			metadataIsClosed(t, m, release)
		})
	}
}

func TestVMExposure(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) { exposure(t, newVM(t, release), release) })
	}
}

// A snapshot that was restored to another box, with an instance ID that is not to
// be told from the first one's: the serial number is.
func TestVMSerialTellsAClone(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newVM(t, release)
			every := sealed(t, identity, "/run/secrets/app", "A=1")
			every.EveryBoot = true
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files: []firstboot.File{every, sealed(t, identity, "/srv/app/.env", "B=1")}, Identity: secretOf(identity),
			})
			m.fromHardware(3, hardware{serial: "1000002"})
			out := m.boot(3, `
uname -r; cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_serial
grep -E '^ *datasource_list' /run/cloud-init/cloud.cfg
cat /var/lib/cloud/data/instance-id
ls /run/secrets/app /srv/app/.env /var/lib/ageenv/identity /var/lib/ageenv/sealed.* | sed 's/sealed\..*/sealed/'
systemctl is-active ageenv.service docker.service
grep -E '"(result|reason)"' /var/lib/ageenv/status.json
ip -4 -o addr show scope global dynamic | grep -o 'inet [0-9./]*'
`)
			for i, text := range out {
				serial := "1000001"
				if i == 2 {
					serial = "1000002"
				}
				m.wantLines(fmt.Sprint("boot ", i+1), text, "Vultr\n"+serial, "datasource_list: [ Vultr, None ]",
					"11111111-0000-0000-0000-000000000001", "inet 10.99.0.2/24")
			}
			for i, text := range out[:2] {
				m.wantLines(fmt.Sprint("boot ", i+1), text, "/run/secrets/app", "/srv/app/.env", "/var/lib/ageenv/identity", `  "result": "ok",`)
			}
			m.wantLines("boot 2", out[1], "active\nactive")
			m.wantLines("boot 3", out[2], "failed\ninactive", `  "result": "failed",`, `  "reason": "clone",`)
			m.wantCastOff(out[2])
			// Never on the clone.
			if got := m.left("docker"); got != "started\napp\nstarted\n" {
				t.Errorf("docker: %q", got)
			}
		})
	}
}

// The clock of a machine whose battery is empty. systemd sets it to the time at
// which systemd itself was built, and no certificate or mirror is asked anyway.
func TestVMClockIn1970(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newVM(t, release)
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity),
			})
			m.write(filepath.Join(m.dir, "qemu"), hardware{serial: "1000001", rtc: "1970-01-02T00:00:00"}.options(), 0o644)
			out := m.boot(1, `
cat /sys/class/rtc/rtc0/since_epoch
stat -c '%n %U:%G %a %F' /srv/app/.env; sha256sum </srv/app/.env
grep -E '"(result|time)"' /var/lib/ageenv/status.json
journalctl -b -o short-unix | head -n 1; date
`)
			m.wantLines("boot 1", out[0], "/srv/app/.env root:root 600 regular file", sha256Of("A=1"), `  "result": "ok",`)
			var clock int
			if _, err := fmt.Sscan(out[0], &clock); err != nil || clock > 2*365*86400 {
				t.Errorf("the hardware's clock is not in 1970: %s", out[0])
			}
			t.Log(out[0])
		})
	}
}
