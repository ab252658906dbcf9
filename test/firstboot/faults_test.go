package firstboot_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// bash puts large here-documents into files: where /tmp is full, or nothing may be
// run from it, the script has a place of its own.
func TestTmpIsFullAndNoexec(t *testing.T) {
	identity := newIdentity(t)
	m := newMachine(t, "12")
	every := sealed(t, identity, "/run/secrets/app", strings.Repeat("A=0123456789abcdef\n", 4000))
	every.EveryBoot = true
	m.write(m.dir+"/test/firstboot.exec", render(t, firstboot.Params{Files: []firstboot.File{every}, Identity: secretOf(identity)}), 0o755)
	m.unit("full.service", "multi-user.target", "[Unit]\nBefore=cloud-final.service ageenv.service\n[Service]\nType=oneshot\nExecStart=/bin/bash /test/full\n")
	m.write(m.dir+"/test/full", `mount -t tmpfs -o noexec,size=16k tmpfs /tmp; dd if=/dev/zero of=/tmp/full 2>/dev/null
[ "$(cat /test/boot)" = 1 ] || exit 0
umask 022; cd /; env -i /bin/bash /test/firstboot.exec </dev/null >/test/log 2>&1; echo "ends with $?" >>/test/log
`, 0o755)
	out := m.boot(2, "df --output=avail /tmp | tail -n 1; sha256sum </run/secrets/app; ls /tmp\n")
	m.wantLines("the log", m.left("log"), "ageenv: /run/secrets/app root:root 0600 written", "ends with 0")
	for _, text := range out {
		m.wantLines("a boot", text, "    0", sha256Of(strings.Repeat("A=0123456789abcdef\n", 4000)), "full")
	}
}

// While a run is going, its identity and plaintext are in memory that no swap takes,
// and the ramfs that the script began with is gone, whichever way it ends.
func TestSecretsAreNeverOnSwap(t *testing.T) {
	identity := newIdentity(t)
	m := newMachine(t, "12")
	every := sealed(t, identity, "/run/secrets/app", "A=1")
	every.EveryBoot = true
	// Its parent is the run.
	script := render(t, firstboot.Params{Files: []firstboot.File{every}, IdentityCommand: "grep VmLck: /proc/$PPID/status >>/test/where; " +
		"grep -c ' /run/ageenv' /proc/mounts >>/test/where; [ ! -e /test/kill ] || { rm /test/kill; kill -9 $PPID; }; cat /test/key"})
	m.write(m.dir+"/test/script", script, 0o755)
	m.write(m.dir+"/test/cut", script[:strings.LastIndex(script, "hand_over")], 0o755)
	m.write(m.dir+"/test/key", identity.String()+"\n", 0o600)
	m.write(m.dir+"/test/swaps", "Filename Type Size Used Priority\n/swapfile file 1048572 0 -2\n", 0o644)
	out := m.boot(2, `
mounts() { grep -c ' /run/ageenv' /proc/mounts; }
mount --bind /test/swaps /proc/swaps
if [ "$(cat /test/boot)" = 1 ]; then
	sh /test/cut; echo "cut off: $? $(mounts)"
	touch /test/kill
	sh /test/script; echo "killed: $? $(mounts)"
	sh /test/script; echo "done: $? $(mounts)"
fi
ls -A /run | grep '^ageenv'
/usr/local/sbin/ageenv verify | grep swap
echo "in the end: $(mounts) $(cat /run/secrets/app)"
`)
	m.wantLines("boot 1", out[0], "cut off: 1 0", "killed: 1 0", "done: 0 0", "in the end: 0 A=1",
		"unseen: swap, which is on: files on a tmpfs, and what age holds while it opens a payload, may be written to /swapfile: encrypt it")
	m.wantLines("boot 2", out[1], "in the end: 0 A=1")
	for i, text := range out {
		if strings.Contains("\n"+text, "\nageenv.") {
			t.Errorf("boot %d left something over:\n%s", i+1, text)
		}
	}
	where := m.left("where")
	for line := range strings.Lines(where) {
		if strings.HasPrefix(line, "VmLck:") && strings.HasSuffix(line, " 0 kB\n") || !strings.HasPrefix(line, "VmLck:") && line != "0\n" {
			t.Errorf("memory that is not locked, or a ramfs that is still there:\n%s", where)
		}
	}
	if strings.Count(where, "VmLck:") != 3 {
		t.Errorf("not three runs: %q", where)
	}
}

// A script that cannot do its work says so where cloud-init is asked, and on the
// box, and leaves docker alone on this boot.
func TestFailureIsSeen(t *testing.T) {
	identity := newIdentity(t)
	m := newMachine(t, "13")
	// A directory with something in it is not thrown away.
	f := sealed(t, identity, "/usr/local", "A=1")
	m.metadata["vendor-data"] = render(t, firstboot.Params{Files: []firstboot.File{f}, Identity: secretOf(identity)})
	out := m.boot(1, `
cat /run/cloud-init/result.json; grep -E '"(result|reason|exit_code)"' /var/lib/ageenv/status.json
systemctl is-active docker.service
grep 'ageenv: /usr/local' /var/log/cloud-init-output.log
`)
	m.wantLines("the box", out[0], `  "result": "failed",`, `  "reason": "target-directory",`, `  "exit_code": 7,`, "active",
		"ageenv: /usr/local: is a directory that is not empty: remove it, or choose another path")
	if !strings.Contains(out[0], "scripts_vendor") && !strings.Contains(out[0], "scripts-vendor") {
		t.Errorf("cloud-init's result does not name it:\n%s", out[0])
	}
}
