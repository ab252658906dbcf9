package firstboot_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// The cheap level: the real cloud-init over a release's root file system, which is
// not booted (see chroot.sh). For what needs Debian's programs and no systemd.

// stages are what the units of cloud-init run, one after the other. What cloud-init
// says while it runs is of interest if it comes to nothing.
const stages = `
export LC_ALL=C.UTF-8
cd /
/usr/lib/cloud-init/ds-identify
for stage in 'init --local' init 'modules --mode=config' 'modules --mode=final'; do
	cloud-init $stage </dev/null >>/test/stages 2>&1 || echo "cloud-init $stage ends with $?"
done
`

// asExec runs /test/firstboot.exec as Vultr's images do.
const asExec = `
cp /test/firstboot.exec /tmp/firstboot.exec
(umask 022; cd /; env -i /bin/bash /tmp/firstboot.exec </dev/null >/tmp/firstboot.log 2>&1; echo "firstboot.exec ends with $?")
cat /tmp/firstboot.log
`

func newChroot(t *testing.T, release string) *machine {
	t.Helper()
	m := machineOver(t, rootfs(t, release))
	m.patience = 4 * time.Minute
	m.command = func(ctx context.Context, times int) *exec.Cmd {
		return exec.CommandContext(ctx, "unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--kill-child", "./chroot.sh", m.lower, m.dir, fmt.Sprint(times))
	}
	return m
}

// The real cloud-init with both deliveries, with age and without: the bytes, the
// owner, the mode and what is said of them; and again, by hand or as cloud-init does
// when it was told to forget what it did, which changes nothing.
func TestCloudInitTwice(t *testing.T) {
	for _, release := range releases {
		for _, way := range []string{"vendor", "exec"} {
			for _, decryptor := range []string{"age", "python"} {
				t.Run("debian "+release+"/"+way+"/"+decryptor, func(t *testing.T) {
					identity := newIdentity(t)
					m := newChroot(t, release)
					const first, second = "A='$(x)'\nB=\n", "C=1"
					every := sealed(t, identity, "/run/secrets/app", first)
					every.EveryBoot, every.Owner, every.Group, every.Mode = true, "daemon", "adm", "0440"
					script := render(t, firstboot.Params{
						Name: "box", Files: []firstboot.File{every, sealed(t, identity, "/srv/app/.env", second)},
						Identity: secretOf(identity), RunAfter: []string{"echo ran >>/test/ran"},
					})
					var run string
					if way == "vendor" {
						m.metadata["vendor-data"] = script
						run = "[ $(cat /test/boot) = 1 ] || cloud-init clean\n" + stages
					} else {
						m.write(m.dir+"/test/firstboot.exec", script, 0o755)
						run = "if [ $(cat /test/boot) = 1 ]; then" + stages + "fi" + asExec
					}
					if decryptor == "python" {
						m.hook(1, "rm \"$1/usr/bin/age\"\n")
					}
					out := m.boot(2, run+`
for file in /run/secrets/app /srv/app/.env; do stat -c '%n %U:%G %a %F' $file; sha256sum <$file; done
stat -c '%n %i %Y %Z' /run/secrets/app /srv/app/.env >/test/stat.$(cat /test/boot)
grep -E '"(result|decryptor|reason|state)"' /var/lib/ageenv/status.json
ls -A /run /srv/app /run/secrets | grep ageenv && echo left over
echo "result: $(python3 -c 'import json; r = json.load(open("/run/cloud-init/result.json"))["v1"]; print(r["datasource"], r["errors"])')"
grep -h '^ageenv' /var/log/cloud-init-output.log
grep -F ageenv: /test/stages
grep -l AGE-SECRET /test/stages && echo a value
true
`)
					for i, text := range out {
						state := []string{"written", "unchanged"}[i]
						m.wantLines(fmt.Sprint("run ", i+1), text,
							"/run/secrets/app daemon:adm 440 regular file", "/srv/app/.env root:root 600 regular file", sha256Of(first), sha256Of(second),
							`  "result": "ok",`, `  "decryptor": "`+decryptor+`",`,
							"result: DataSourceVultr []", "ageenv: box: /run/secrets/app daemon:adm 0440 "+state, "ageenv: box: /srv/app/.env root:root 0600 "+state)
						for _, bad := range []string{"left over", "a value", "ends with 1"} {
							if strings.Contains(text, bad) {
								t.Errorf("run %d: %s:\n%s", i+1, bad, text)
							}
						}
						if way == "exec" {
							m.wantLines(fmt.Sprint("run ", i+1), text, "firstboot.exec ends with 0")
						}
					}
					if first, second := m.left("stat.1"), m.left("stat.2"); first != second {
						t.Errorf("the second run touched a file:\n%s%s", first, second)
					}
					if got := m.left("ran"); got != "ran\n" {
						t.Errorf("what follows ran %q", got)
					}
				})
			}
		}
	}
}

// What goes wrong on a box of Debian's own programs, without cloud-init: neither
// python3 nor age; and the script does what it is to with HOME unset, nothing on
// its input, and a /tmp that is full and may not be run from.
func TestScriptAlone(t *testing.T) {
	large := strings.Repeat("A=0123456789abcdef\n", 4000)
	for _, tt := range []struct {
		name string
		// before is done to the box.
		before string
		want   []string
	}{
		{
			name:   "no python3",
			before: "rm -f /usr/bin/python3 /usr/bin/python3.*",
			want: []string{
				"ends with 3", "ageenv: python3 is missing, older than 3.6, or not whole (it needs ctypes): install it in the image",
				`"result": "failed"`, `"reason": "no-python"`, `"exit_code": 3`, "no file",
			},
		},
		{
			// As in a root that was changed to, or with another init.
			name:   "no systemd",
			before: "rmdir /run/systemd/system",
			want: []string{
				"ends with 12", "ageenv: systemd does not run here: nothing is done, because files would be missing after the next boot",
				`"result": "failed"`, `"reason": "no-systemd"`, `"exit_code": 12`, "no file",
			},
		},
		{
			name:   "full noexec tmp and no age",
			before: "rm -f /usr/bin/age; mount -o remount,noexec,size=16k /tmp; dd if=/dev/zero of=/tmp/full 2>/dev/null; df --output=avail /tmp | tail -n 1",
			want:   []string{"    0", "ends with 0", sha256Of(large), "root:root 600", `"result": "ok"`, `"decryptor": "python"`},
		},
		{
			name:   "full noexec tmp",
			before: "mount -o remount,noexec,size=16k /tmp; dd if=/dev/zero of=/tmp/full 2>/dev/null; df --output=avail /tmp | tail -n 1",
			want:   []string{"    0", "ends with 0", sha256Of(large), "root:root 600", `"result": "ok"`, `"decryptor": "age"`},
		},
	} {
		for _, release := range releases {
			t.Run(tt.name+"/debian "+release, func(t *testing.T) {
				identity := newIdentity(t)
				m := newChroot(t, release)
				m.write(m.dir+"/test/firstboot.exec", render(t, firstboot.Params{
					Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", large)}, Identity: secretOf(identity),
				}), 0o755)
				out := m.boot(1, tt.before+`
(umask 022; cd /; env -i /bin/bash /test/firstboot.exec </dev/null; echo "ends with $?")
if [ -f /srv/app/.env ]; then sha256sum </srv/app/.env; stat -c '%U:%G %a' /srv/app/.env; else echo no file; fi
grep -oE '"(result|reason|exit_code|decryptor)": ("[a-z-]*"|[0-9]+)' /var/lib/ageenv/status.json
ls -A /run /tmp /srv /srv/app 2>/dev/null | grep ageenv && echo left over
true
`)
				m.wantLines("the box", out[0], tt.want...)
				if strings.Contains(out[0], "left over") {
					t.Errorf("something is left over:\n%s", out[0])
				}
			})
		}
	}
}

// The real cloud-init runs the user's script as it runs a script of its own: the same
// environment, but for the locale, and its failure is reported in the same place.
func TestUserScriptInCloudInit(t *testing.T) {
	const shows = "#!/bin/sh\nexec >/test/%s 2>&1\nenv | grep -v -e ^_= -e ^PWD= -e ^LC_ALL= -e ^LANG= -e ^PATH= -e ^OLDPWD= -e ^INVOCATION_ID= -e ^JOURNAL_STREAM= | sort\npwd\numask\nid -u\nreadlink /proc/self/fd/0\n"
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newChroot(t, release)
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Name: "box", Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1\n")}, Identity: secretOf(identity),
				UserScript: "#!/bin/sh\necho said by the user script\n(" + strings.TrimPrefix(strings.Replace(shows, "%s", "ours", 1), "#!/bin/sh\n") + ")\nexit 3\n",
			})
			m.metadata["user-data"] = strings.Replace(shows, "%s", "cloud-init", 1)
			out := m.boot(1, stages+`
cat /srv/app/.env
diff /test/cloud-init /test/ours && echo the same
grep -E '"(result|reason|exit_code|user_script|user_script_exit_code)"' /var/lib/ageenv/status.json
grep -c 'said by the user script' /var/log/cloud-init-output.log
cat /run/cloud-init/result.json
cat /test/ours
true
`)
			m.wantLines("the box", out[0], "A=1", "the same", `  "result": "failed",`, `  "reason": "user-script",`, `  "exit_code": 18,`,
				`  "user_script": "failed",`, `  "user_script_exit_code": 3,`, "1")
			if !strings.Contains(out[0], "scripts-vendor") && !strings.Contains(out[0], "scripts_vendor") {
				t.Errorf("cloud-init reports no failure:\n%s", out[0])
			}
		})
	}
}
