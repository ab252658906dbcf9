package attack

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// docker compose reads more than its first file, and runs as root: a user who can write any
// of what it chooses by itself is root. In the order that compose 2 has.
func TestComposeFilesOfTheUser(t *testing.T) {
	needRoot(t)
	identity := newIdentity(t)
	for name, prepare := range map[string]func(b *box){
		"override": func(b *box) {
			b.put("/srv/app/compose.override.yaml", "", 0o644)
			b.give("/srv/app/compose.override.yaml")
		},
		"the one that comes first": func(b *box) {
			must(b.t, os.Rename(b.path("/srv/app/compose.yaml"), b.path("/srv/app/docker-compose.yaml")))
			b.put("/srv/app/docker-compose.yml", "", 0o644)
			b.give("/srv/app/docker-compose.yml")
		},
		"variables": func(b *box) {
			b.put("/srv/app/.env", "COMPOSE_FILE=/home/user/evil.yml\n", 0o600)
			b.give("/srv/app/.env")
		},
		"behind root's symlink": func(b *box) {
			b.directory("/home/user")
			b.put("/home/user/compose.yaml", "", 0o644)
			must(b.t, os.Remove(b.path("/srv/app/compose.yaml")))
			must(b.t, os.Symlink("/home/user/compose.yaml", b.path("/srv/app/compose.yaml")))
		},
		"writable by a group": func(b *box) { must(b.t, os.Chmod(b.path("/srv/app/compose.yaml"), 0o664)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, "tmpfs")
			b.put("/usr/local/sbin/docker", "#!/bin/sh\necho \"$@\" >>/srv/calls\n", 0o755)
			b.put("/srv/app/compose.yaml", "services: {}\n", 0o644)
			prepare(b)
			got := b.run(renderParams(t, identity, firstboot.Params{Files: []firstboot.File{fileOf(t, identity, "/srv/app/app.env", "0600", newer)}, RecreateCompose: []string{"/srv/app"}}))
			b.wantRefused(got, 10, "after")
			b.wantNothing("/srv/calls")
			if !strings.Contains(got.out, "others than root") && !strings.Contains(got.out, "others can have put there") {
				t.Errorf("the message does not say why: %s", got.out)
			}
		})
	}
}

// Units of an operator's that begin with the same word stay, and break nothing.
func TestOtherUnitsOfThatName(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	b.put("/etc/systemd/system/ageenv-alert.service", "", 0o644)
	must(t, os.MkdirAll(b.path("/etc/systemd/system/ageenv.service.wants"), 0o755))
	script := render(t, identity, everyBoot(fileOf(t, identity, "/srv/x", "0600", newer)))
	b.drop(script)
	b.drop(script)
	b.want("/etc/systemd/system/ageenv-alert.service", "", 0, 0o644)
}

// Python is called by the name that a new release keeps.
func TestPythonKeepsItsName(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	b.drop(render(t, identity, fileOf(t, identity, "/srv/x", "0600", newer)))
	line, _, _ := strings.Cut(b.read("/usr/local/sbin/ageenv"), "\n")
	if line != "#!/usr/bin/python3 -IS" {
		t.Errorf("the program's first line is %q", line)
	}
}

// Without ctypes nothing of this works: it is said before anything is begun.
func TestPythonWithoutCtypes(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	out, err := exec.Command("/usr/bin/python3", "-c", "import ctypes; print(ctypes.__path__[0])").Output()
	must(t, err)
	mountFS(t, "tmpfs", b.path(strings.TrimSpace(string(out))))
	identity := newIdentity(t)
	b.wantRefused(b.run(render(t, identity, fileOf(t, identity, "/srv/x", "0600", newer))), 3, "no-python")
}

func TestCommandsOfUser(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	b.drop(render(t, identity, fileOf(t, identity, "/srv/x", "0600", newer)))
	for _, command := range []string{"status", "verify", "drop"} {
		cmd := exec.Command("/usr/local/sbin/ageenv", command)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: b.root, Credential: &syscall.Credential{Uid: user, Gid: user}}
		out, _ := cmd.CombinedOutput()
		if got, want := string(out), "ageenv: not root: run it as root\n"; got != want || cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("%s as a user: code %d and %q, want 2 and %q", command, cmd.ProcessState.ExitCode(), got, want)
		}
	}
}

// One copy that cannot be changed does not keep the others open.
func TestCopiesThatStay(t *testing.T) {
	needRoot(t)
	b := newBox(t, "ext4")
	identity := newIdentity(t)
	b.drop(renderParams(t, identity, firstboot.Params{BlockMetadata: true, Files: []firstboot.File{fileOf(t, identity, "/srv/x", "0600", newer)}}))
	for _, name := range []string{"1", "2", "3", "4"} {
		b.put("/var/log/cloud-init.log."+name, "", 0o644)
	}
	entries, err := os.ReadDir(b.path("/var/log"))
	must(t, err)
	for _, e := range entries {
		system(t, "chattr", "+i", b.path("/var/log/"+e.Name()))
		b.command(limit, "/usr/local/sbin/ageenv", "tighten")
		system(t, "chattr", "-i", b.path("/var/log/"+e.Name()))
		for _, other := range entries {
			want := fs.FileMode(0o600)
			if other.Name() == e.Name() {
				want = 0o644
			}
			b.want("/var/log/"+other.Name(), "", 0, want)
			must(t, os.Chmod(b.path("/var/log/"+other.Name()), 0o644))
		}
	}
}

// A user can fill a directory of theirs without end.
func TestManyNames(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	script := render(t, identity, ownedBy("1000", treeOf(t, identity, "/srv/keys", "0600", map[string]string{"TOKEN": newer})))
	b.drop(script)
	for i := range 30000 {
		must(t, os.Symlink("x", b.path(fmt.Sprintf("/srv/keys/%d", i))))
	}
	began := time.Now()
	b.wantRefused(b.run(script), 7, "target-directory")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A directory that a failed run was going to make is not this program's.
func TestDirectoryThatWasNotMade(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	must(t, os.MkdirAll(b.path("/opt/ro"), 0o755))
	bind(t, b.path("/opt/ro"), b.path("/opt/ro"), unix.MS_RDONLY)
	keys := treeOf(t, identity, "/srv/keys", "0600", map[string]string{"TOKEN": newer})
	b.wantRefused(b.run(render(t, identity, keys, fileOf(t, identity, "/opt/ro/x", "0600", newer))), 8, "write")
	b.put("/srv/keys/own", "of the operator", 0o600)
	b.wantRefused(b.run(render(t, identity, keys)), 7, "target-directory")
	b.want("/srv/keys/own", "of the operator", 0, 0o600)
}

// A box whose first boot fails closes the metadata service at later boots all the same.
func TestFailedFirstBootCloses(t *testing.T) {
	needRoot(t)
	identity := newIdentity(t)
	script := renderParams(t, identity, firstboot.Params{BlockMetadata: true, Files: []firstboot.File{fileOf(t, identity, "/srv/x", "0600", newer)}})
	b := newBox(t, "tmpfs")
	must(t, os.Symlink("/nowhere", b.path("/srv/x")))
	b.wantRefused(b.run(script), 7, "target-symlink")
	b.put("/run/cloud-init/instance-data.json", "", 0o644)
	if got := b.command(limit, "/usr/local/sbin/ageenv", "tighten"); got.code != 0 {
		t.Errorf("tighten: code %d: %s", got.code, got.out)
	}
	b.want("/run/cloud-init/instance-data.json", "", 0, 0o600)
	if _, err := os.Stat(b.path("/etc/systemd/system/ageenv-metadata.service")); err != nil {
		t.Error(err)
	}

	b = newBox(t, "tmpfs")
	must(t, unix.Mount("", b.path("/usr/local"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	got := b.run(script)
	if status := b.readIfThere("/var/lib/ageenv/status.json"); !strings.Contains(got.out, "opens again at the next") || !strings.Contains(status, `"metadata": "open"`) {
		t.Errorf("nothing says that it opens again: %s, %s", got.out, status)
	}
}

// What an earlier run found out stays in the status when a later one does less.
func TestStatusKeepsWhatWasFound(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	b.wantRefused(b.run(renderParams(t, identity, firstboot.Params{
		BlockMetadata: true, RunAfter: []string{"test -e /srv/flag"}, Files: []firstboot.File{everyBoot(fileOf(t, identity, "/srv/x", "0600", newer))},
	})), 10, "after")
	b.put("/srv/flag", "", 0o600)
	if got := b.command(limit, "/usr/local/sbin/ageenv", "after"); got.code != 0 {
		t.Errorf("after: code %d: %s", got.code, got.out)
	}
	status := b.read("/var/lib/ageenv/status.json")
	for _, want := range []string{`"result": "ok"`, `"metadata": "open"`, `"decryptor": "python"`, `"state": "written"`} {
		if !strings.Contains(status, want) {
			t.Errorf("the status lacks %s: %s", want, status)
		}
	}
}

// It said closed as long as nothing was dropped.
func TestStatusOfAnIdleBoot(t *testing.T) {
	needRoot(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	b.drop(renderParams(t, identity, firstboot.Params{BlockMetadata: true, Files: []firstboot.File{fileOf(t, identity, "/srv/x", "0600", newer)}}))
	status := b.read("/var/lib/ageenv/status.json")
	b.put("/var/lib/ageenv/status.json", strings.Replace(status, `"metadata": "open"`, `"metadata": "closed"`, 1), 0o600)
	b.wantBoot()
	if status := b.read("/var/lib/ageenv/status.json"); !strings.Contains(status, `"metadata": "open"`) {
		t.Errorf("the metadata service is open, and the status says otherwise: %s", status)
	}
}

// A clone removes what a run that was cut off has left, too.
func TestCloneSweeps(t *testing.T) {
	needRoot(t)
	needStrace(t)
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	b.directory("/opt/app")
	b.put("/sys/class/dmi/id/product_serial", "one\n", 0o400)
	b.drop(render(t, identity, everyBoot(fileOf(t, identity, "/opt/app/.env", "0600", newer))))
	must(t, os.Remove(b.path("/opt/app/.env")))
	if !b.cut("renameat2", 1, "/usr/local/sbin/ageenv", "drop") || len(b.drafts()) == 0 {
		t.Fatal("nothing is left over")
	}
	b.put("/sys/class/dmi/id/product_serial", "two\n", 0o400)
	b.wantRefused(b.boot(), 11, "clone")
	b.wantNoDrafts()
	b.wantNothing("/opt/app/.env")
}

// More files than a process may open at first, which systemd has at 1024.
func TestManyFiles(t *testing.T) {
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	var files []firstboot.File
	for i := range 80 {
		files = append(files, fileOf(t, identity, fmt.Sprintf("/srv/app/%d", i), "0600", newer))
	}
	script := renderParams(t, identity, firstboot.Params{Files: files, RunAfter: []string{"ulimit -Sn >/srv/limit"}})
	b.put("/root/firstboot.exec", script.Reveal(), 0o700)
	if got := b.command(limit, "/bin/sh", "-c", "ulimit -Sn 128 && exec /bin/sh /root/firstboot.exec"); got.code != 0 {
		t.Errorf("code %d: %s", got.code, got.out)
	}
	for _, f := range files {
		b.want(f.Path, newer, 0, 0o600)
	}
	b.want("/srv/limit", "128\n", 0, 0o600)
}
