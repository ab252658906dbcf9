// Package firstboot_test boots real root file systems with the startup script as
// their vendor data: Debian 12 and 13 with the real cloud-init and its Vultr data
// source, in namespaces of their own, at three levels:
//
//   - in a chroot (chroot.sh), where systemd is not real either: a few seconds,
//     for what is about Debian's programs and about cloud-init;
//   - under systemd-nspawn (boot.sh), where the kernel, DMI and DHCP are not real;
//   - in virtual machines (vm.sh, by `make test-vm` alone), where all of it is.
//
// It needs root, mmdebstrap and systemd-nspawn, and skips without them. The root
// file systems are kept in build/rootfs.
package firstboot_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// scratch lives as long as the test binary.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "ageenv-boots-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// releases are the Debian releases that are booted.
var releases = []string{"12", "13"}

// unpacked are the root file systems, each unpacked once, for boxes to lie over.
var unpacked = map[string]func() (string, error){
	"12":        sync.OnceValues(func() (string, error) { return unpack("12") }),
	"13":        sync.OnceValues(func() (string, error) { return unpack("13") }),
	"13 docker": sync.OnceValues(func() (string, error) { return unpack("13", "docker") }),
}

// unpack wants rootfs's arguments.
func unpack(what ...string) (string, error) {
	name := strings.Join(what, "-")
	out, err := exec.Command("./rootfs", what...).Output()
	if err != nil {
		return "", fmt.Errorf("building Debian %s: %w", name, err)
	}
	dir := filepath.Join(scratch, "debian-"+name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	tar := exec.Command("tar", "-xf", strings.TrimSpace(string(out)), "-C", dir)
	if out, err := tar.CombinedOutput(); err != nil {
		return "", fmt.Errorf("unpacking Debian %s: %w: %s", name, err, out)
	}
	return dir, nil
}

// machine is a box before and between its boots.
type machine struct {
	t     *testing.T
	lower string
	dir   string
	// metadata is what Vultr's service answers.
	metadata map[string]any
	// command is what boots it.
	command func(ctx context.Context, boots int) *exec.Cmd
	// patience is how long a boot may take.
	patience time.Duration
}

func newMachine(t *testing.T, release string) *machine {
	t.Helper()
	return containerOver(t, rootfs(t, release))
}

// containerOver is a box on that root file system that systemd-nspawn boots.
func containerOver(t *testing.T, lower string) *machine {
	t.Helper()
	m := machineOver(t, lower)
	m.patience = 4 * time.Minute
	m.command = func(ctx context.Context, boots int) *exec.Cmd {
		return exec.CommandContext(ctx, "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "./boot.sh", m.lower, m.dir, fmt.Sprint(boots))
	}
	// The data source is looked for by DMI, which is the building machine's here.
	m.put("/etc/cloud/ds-identify.cfg", "policy: enabled\n", 0o644)
	m.put("/etc/cloud/cloud.cfg.d/99-vultr.cfg", "datasource_list: [Vultr]\n", 0o644)
	// Containers have no /sys/fs/bpf of systemd's; boxes have.
	m.unit("bpf.service", "sysinit.target", "[Unit]\nDefaultDependencies=no\nBefore=sysinit.target ageenv-metadata.service\nConditionPathIsMountPoint=!/sys/fs/bpf\n"+
		"[Service]\nType=oneshot\nExecStart=/bin/mount -t bpf -o mode=0700 bpf /sys/fs/bpf\n")
	m.unit("probe.service", "cloud-init.target", "[Unit]\nAfter=cloud-final.service multi-user.target\n"+
		"[Service]\nType=oneshot\nExecStart=/test/probe\nExecStopPost=/bin/systemctl --force poweroff\n")
	return m
}

// keepsNetwork has systemd-networkd leave the network as it is, where it starts: ahead
// of what cloud-init writes, which would ask for an address by DHCP.
func (m *machine) keepsNetwork() {
	m.t.Helper()
	m.put("/etc/systemd/network/05-eth0.network", "[Match]\nName=eth0\n[Network]\nAddress=10.99.0.2/24\nGateway=10.99.0.1\n[Route]\nDestination=169.254.169.254\nScope=link\n", 0o644)
}

// rootfs is a release's root file system; from here on the test runs beside others.
// Where none can be made, or nothing can be run in it, it is skipped.
func rootfs(t *testing.T, release string) string {
	t.Helper()
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("not root: cannot boot a root file system")
	}
	for _, program := range []string{"systemd-nspawn", "mmdebstrap", "unshare", "nsenter", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	lower, err := unpacked[release]()
	if err != nil {
		t.Fatal(err)
	}
	return lower
}

// machineOver is a box on that root file system, with what every level has.
func machineOver(t *testing.T, lower string) *machine {
	t.Helper()
	m := &machine{t: t, lower: lower, dir: t.TempDir(), metadata: map[string]any{
		"hostname": "box", "instance-v2-id": "11111111-0000-0000-0000-000000000001", "instanceid": "1",
		"region": map[string]string{"regioncode": "AMS", "countrycode": "NL"}, "public-keys": []string{}, "user-data": "", "user-defined": []string{},
		"vendor-data": "",
		"interfaces": []any{map[string]any{
			"mac": "56:00:00:00:00:01", "network-type": "public",
			"ipv4": map[string]any{"address": "10.99.0.2", "additional": []string{}, "gateway": "10.99.0.1", "netmask": "255.255.255.0"},
			"ipv6": map[string]any{"additional": []string{}},
		}},
	}}
	// The image's own locale is an error of cloud-init's, where it is not generated.
	m.put("/etc/cloud/cloud.cfg.d/90-locale.cfg", "locale: C.UTF-8\n", 0o644)
	// What docker would be, with what it saw when it started.
	m.unit("docker.service", "multi-user.target", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'ls -A /run/secrets >>/test/docker 2>/dev/null; echo started >>/test/docker'\n")
	return m
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// sealed is a root's file of mode 0600.
func sealed(t *testing.T, identity *age.X25519Identity, path, text string) firstboot.File {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return firstboot.File{Payload: out.Bytes(), Path: path, Owner: "root", Group: "root", Mode: "0600"}
}

func render(t *testing.T, p firstboot.Params) string {
	t.Helper()
	script, err := firstboot.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return script.Reveal()
}

func secretOf(identity *age.X25519Identity) secret.Text { return secret.New(identity.String()) }
