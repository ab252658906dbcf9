package firstboot

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Values of each kind that verify tells apart.
const (
	verifySecret = "S3cret=with'quotes \"and\" $(x)"
	verifyText   = "# comment=not-4-value\nTOKEN=\"" + canary + "\"\nODD=" + verifySecret + "\nSHORT=abc12\nWORD=production\nSITE=https://example.com/x\n" +
		"DB=postgres://user:hunter2@db/app\nexport\n"
)

// verifyBox is a box on which everything is right.
func verifyBox(t *testing.T, shell []string) *box {
	t.Helper()
	identity := newIdentity(t)
	file := everyBoot(fileOf(t, identity, "/run/app.env", verifyText))
	exposed := fileOf(t, identity, "/etc/shown.env", "SHOWN=exposed-value-1\n")
	exposed.Exposure = ExposureEnv
	p := travelling(identity, file, exposed, directoryOf(t, identity, "/run/d", map[string]string{"KEY": "whole-Value-2"}),
		fileOf(t, identity, "/run/token", "raw-Token-3\n"))
	b := newBox(t, hasPython)
	b.shell = shell
	for _, tool := range []string{"grep", "setpriv"} {
		found, err := exec.LookPath(tool)
		if err != nil {
			t.Skipf("%s is not installed", tool)
		}
		b.install(tool, found)
	}
	b.drop(p.mustRender(t))
	b.containers(map[string]string{"inspect c1": `"Env": ["PORT=8080", "A=production", "SHOWN=exposed-value-1"]`, "logs c1": "started with abc12"})
	return b
}

// containers is a docker with one container, c1, and what is to be seen of it.
func (b *box) containers(shows map[string]string) {
	b.t.Helper()
	b.fake("docker", fmt.Sprintf(`case "$*" in "ps -aq") echo c1 ;; inspect*) cat <<'E'
%s
E
;; logs*) cat <<'E' >&2
%s
E
;; esac`, shows["inspect c1"], shows["logs c1"]))
}

func TestVerifyPasses(t *testing.T) {
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			b := verifyBox(t, shell.command)
			got := b.tool("verify")
			if got.code != 0 || got.stderr != "" || strings.Contains(got.stdout, "FAIL") {
				t.Fatalf("code %d\n%s%s", got.code, got.stdout, got.stderr)
			}
			own := strings.TrimSpace(output(t, "id", "-un")) + ":" + strings.TrimSpace(output(t, "id", "-gn"))
			for _, want := range []string{
				fmt.Sprintf("pass: /run/app.env is %s:%s 0600", myUser, myGroup), fmt.Sprintf("pass: /run/d is %s:%s 0700", myUser, myGroup),
				fmt.Sprintf("pass: /run/d/KEY is %s:%s 0600", myUser, myGroup), "pass: /var/lib/ageenv is " + own + " 0700",
				"pass: /var/lib/ageenv/identity is " + own + " 0600", "pass: no identity is readable by others", "pass: docker inspect of c1 shows no value",
				"pass: docker logs of c1 shows no value", "unseen: the metadata service, which was not to be closed", "unseen: memory",
			} {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("no %q in\n%s", want, got.stdout)
				}
			}
			b.wantClean("/run/app.env", keptIdentity)
		})
	}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestVerifyFails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		disturb func(b *box)
		want    string
	}{
		{"a mode", func(b *box) { b.put("/run/app.env", verifyText, 0o644) }, "FAIL: /run/app.env is "},
		{"a file gone", func(b *box) { _ = os.Remove(b.path("/run/app.env")) }, "FAIL: /run/app.env is there"},
		{"a symlink", func(b *box) {
			_ = os.Rename(b.path("/run/app.env"), b.path("/run/other"))
			_ = os.Symlink("other", b.path("/run/app.env"))
		}, "FAIL: /run/app.env is there"},
		{"a mode in a directory", func(b *box) { b.put("/run/d/KEY", "whole-Value-2", 0o640) }, "FAIL: /run/d/KEY is "},
		{"the identity", func(b *box) { _ = os.Chmod(b.path(keptIdentity), 0o640) }, "FAIL: /var/lib/ageenv/identity is "},
		{"a copy", func(b *box) {
			b.put("/var/log/cloud-init.log", "AGE-SECRET-KEY-1QQQ", 0o644)
		}, "FAIL: others can read an identity in /var/log/cloud-init.log"},
		{"a value in an environment", func(b *box) { b.containers(map[string]string{"inspect c1": `"TOKEN=` + canary + `"`}) }, "FAIL: docker inspect of c1 shows no value"},
		{"a password in a URL", func(b *box) {
			b.containers(map[string]string{"inspect c1": `"DB=postgres://user:hunter2@db/app"`})
		}, "FAIL: docker inspect of c1"},
		{"a value with anything in it", func(b *box) { b.containers(map[string]string{"logs c1": "x " + verifySecret}) }, "FAIL: docker logs of c1"},
		{"a value that has no name", func(b *box) { b.containers(map[string]string{"logs c1": "raw-Token-3"}) }, "FAIL: docker logs of c1"},
		{"a directory's value", func(b *box) { b.containers(map[string]string{"logs c1": "whole-Value-2"}) }, "FAIL: docker logs of c1 shows no value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := verifyBox(t, []string{"/bin/sh"})
			tt.disturb(b)
			// What is started may not be given a value.
			log := filepath.Join(t.TempDir(), "log")
			for _, tool := range []string{"grep", "stat", "cat", "rm"} {
				b.fake(tool, `printf '%s\n' "$@" >>'`+log+`'; exec REAL "$@"`)
			}
			got := b.tool("verify")
			if got.code != 1 || !strings.Contains(got.stdout, tt.want) {
				t.Errorf("code %d, want %q in\n%s%s", got.code, tt.want, got.stdout, got.stderr)
			}
			logged, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{canary, "S3cret", "hunter2", "whole-Value-2", "raw-Token-3", "exposed-value-1"} {
				if strings.Contains(got.stdout+got.stderr, value) || strings.Contains(string(logged), value) {
					t.Errorf("%q was printed, or given to a program", value)
				}
			}
		})
	}
}

// What does not answer has shown nothing, and does not pass; nor does anything where
// it cannot be looked for.
func TestVerifyDoesNotPassWhatItCannotSee(t *testing.T) {
	b := verifyBox(t, []string{"/bin/sh"})
	b.fake("docker", `case "$*" in "ps -aq") echo c1 ;; inspect*) exit 1 ;; logs*) echo `+canary+`; exit 1 ;; esac`)
	got := b.tool("verify")
	for _, line := range []string{"unseen: docker inspect of c1, which did not answer\n", "FAIL: docker logs of c1 shows no value\n"} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("no %q in\n%s", line, got.stdout)
		}
	}
	if got.code != 1 || strings.Contains(got.stdout, "pass: docker") {
		t.Errorf("code %d\n%s", got.code, got.stdout)
	}
	if err := os.Remove(b.bin + "/grep"); err != nil {
		t.Fatal(err)
	}
	if got := b.tool("verify"); got.code != 2 || strings.Contains(got.stdout, "pass") || !strings.Contains(got.stderr, "verify needs grep") {
		t.Errorf("without grep: code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// What is on a tmpfs is not safe from swap, and verify says so if there is any. Below
// a prefix no ramfs is mounted.
func TestVerifySwap(t *testing.T) {
	const header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			b := verifyBox(t, shell.command)
			for _, swaps := range []string{"", header, header + "/swapfile file 1048572 0 -2\n"} {
				want := strings.Count(swaps, "\n") == 2
				if swaps != "" {
					b.put("/proc/swaps", swaps, 0o644)
				}
				got := b.tool("verify")
				line := "unseen: swap, which is on: files on a tmpfs, and the identity and what it opens during a run, may be written to it: encrypt it\n"
				if got.code != 0 || got.stderr != "" || strings.Contains(got.stdout, line) != want || strings.Contains(got.stdout, "swap") != want {
					t.Errorf("with %q: code %d\n%s%s", swaps, got.code, got.stdout, got.stderr)
				}
			}
		})
	}
}

func TestVerifyHealth(t *testing.T) {
	b := verifyBox(t, []string{"/bin/sh"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/up" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	b.env = []string{"no_proxy=*"}
	if got := b.tool("verify", "--health", server.URL+"/up"); got.code != 0 || !strings.Contains(got.stdout, "pass: "+server.URL+"/up answers") {
		t.Errorf("code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got := b.tool("verify", "--health", server.URL+"/down"); got.code != 1 || !strings.Contains(got.stdout, "FAIL: "+server.URL+"/down answers") {
		t.Errorf("code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	for _, args := range [][]string{{"verify", "--health"}, {"verify", "x"}, {"verify", "--health", "x", "y"}} {
		if got := b.tool(args...); got.code != 64 {
			t.Errorf("%q: code %d", args, got.code)
		}
	}
}
