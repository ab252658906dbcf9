package firstboot

import (
	"fmt"
	"os"
	"testing"
)

// copies are where cloud-init and the image keep the script.
var copies = []string{
	"/run/cloud-init/instance-data.json", "/var/log/cloud-init.log", "/var/log/cloud-init-output.log",
	"/var/lib/cloud/instances/i-1/vendor-data.txt", "/var/lib/cloud/instances/i-1/user-data.txt.i",
	"/var/lib/cloud/instances/i-1/scripts/vendor/part-001", "/var/lib/cloud/instances/i-1/obj.pkl", "/tmp/firstboot.log",
}

// Copies are tightened by the script, and again at later boots; a symlink is not
// followed. What belongs to the network is shown where it is booted: below a prefix
// none of it is touched.
func TestCopiesAreTightened(t *testing.T) {
	identity := newIdentity(t)
	for _, block := range []bool{true, false} {
		t.Run(fmt.Sprint(block), func(t *testing.T) {
			t.Parallel()
			p := travelling(identity, fileOf(t, identity, "/srv/f", "A=1"))
			p.BlockMetadata = block
			b := newBox(t, hasPython)
			b.fake("ip", "exit 3")
			loosen := func() {
				for _, file := range copies {
					b.put(file, "x", 0o644)
				}
				b.put("/tmp/firstboot.exec", "x", 0o755)
			}
			b.put("/etc/victim", "x", 0o644)
			b.put("/var/log/keep", "x", 0o644)
			if err := os.Symlink("../../etc/victim", b.path("/var/log/cloud-init-link.log")); err != nil {
				t.Fatal(err)
			}
			want := os.FileMode(0o644)
			if block {
				want = 0o600
			}
			look := func(when string) {
				t.Helper()
				for _, file := range copies {
					if got := b.stat(file).mode.Perm(); got != want {
						t.Errorf("%s: %s: mode %v, want %v", when, file, got, want)
					}
				}
				for _, file := range []string{"/etc/victim", "/var/log/keep"} {
					if got := b.stat(file).mode.Perm(); got != 0o644 {
						t.Errorf("%s: %s: mode %v", when, file, got)
					}
				}
				if _, err := os.Stat(b.path("/tmp/firstboot.exec")); (err == nil) == block {
					t.Errorf("%s: firstboot.exec: %v", when, err)
				}
			}
			loosen()
			b.drop(p.mustRender(t))
			look("first boot")
			for _, command := range []string{"tighten", "drop"} {
				loosen()
				if got := b.tool(command); got.code != 0 || got.stderr != "" {
					t.Errorf("%s: code %d, %s", command, got.code, got.stderr)
				}
				look(command)
			}
			metadata := map[bool]string{true: "open", false: "untouched"}[block]
			if got := b.status().Metadata; got != metadata {
				t.Errorf("metadata is %q, want %q", got, metadata)
			}
		})
	}
}

func TestMetadataUnits(t *testing.T) {
	identity := newIdentity(t)
	p := travelling(identity, fileOf(t, identity, "/srv/f", "A=1"))
	p.BlockMetadata = true
	const units = "/etc/systemd/system/"
	files := []string{units + "ageenv-metadata.service", units + "sysinit.target.d/ageenv-metadata.conf", units + "cloud-final.service.d/ageenv-metadata.conf", units + "-.slice.d/ageenv-metadata.conf"}
	b := newBox(t, hasAge)
	b.drop(p.mustRender(t))
	for _, file := range files {
		b.stat(file)
	}
	b.want(files[2], "[Service]\nIPAddressAllow=169.254.169.254\nExecStartPost=-/usr/local/sbin/ageenv tighten\n")
	p.BlockMetadata = false
	b.drop(p.mustRender(t))
	for _, file := range files {
		b.wantNothing(file)
	}
}
