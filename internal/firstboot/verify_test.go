package firstboot

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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
func verifyBox(t *testing.T) *box {
	t.Helper()
	identity := newIdentity(t)
	file := everyBoot(fileOf(t, identity, "/run/app.env", verifyText))
	exposed := fileOf(t, identity, "/etc/shown.env", "SHOWN=exposed-value-1\n")
	exposed.Exposure = ExposureEnv
	p := travelling(identity, file, exposed, directoryOf(t, identity, "/run/d", map[string]string{"KEY": "whole-Value-2"}),
		fileOf(t, identity, "/run/token", "raw-Token-3\n"))
	b := newBox(t, hasPython)
	b.drop(p.mustRender(t))
	b.containers(map[string]string{"inspect c1": `"Env": ["PORT=8080", "A=production", "SHOWN=exposed-value-1"]`, "logs c1": "started with abc12"})
	return b
}

// containers is a docker with one container, c1, whose name is web, and what is to be
// seen of it.
func (b *box) containers(shows map[string]string) {
	b.t.Helper()
	b.fake("docker", fmt.Sprintf(`PATH=/usr/bin:/bin; printf '%%s\n' "$@" >>'%s'
case "$*" in "ps -a --format {{.ID}} {{.Names}}") echo c1 web ;; inspect*\ c1) cat <<'E'
%s
E
;; logs*\ c1) cat <<'E' >&2
%s
E
;; *) exit 1 ;; esac`, b.given(), shows["inspect c1"], shows["logs c1"]))
}

// given is the file in which docker notes its arguments.
func (b *box) given() string { return b.bin + "/given" }

func TestVerifyPasses(t *testing.T) {
	t.Parallel()
	b := verifyBox(t)
	got := b.tool("verify")
	if got.code != 0 || got.stderr != "" || strings.Contains(got.stdout, "FAIL") {
		t.Fatalf("code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	own := strings.TrimSpace(output(t, "id", "-un")) + ":" + strings.TrimSpace(output(t, "id", "-gn"))
	for _, want := range []string{
		fmt.Sprintf("pass: /run/app.env is %s:%s 0600", myUser, myGroup), fmt.Sprintf("pass: /run/d is %s:%s 0700", myUser, myGroup),
		fmt.Sprintf("pass: /run/d/KEY is %s:%s 0600", myUser, myGroup), "pass: /var/lib/ageenv is " + own + " 0700",
		"pass: /var/lib/ageenv/identity is " + own + " 0600", "pass: no identity is readable by others", "pass: docker inspect of web shows no value",
		"pass: docker logs of web shows no value", "unseen: the metadata service", "unseen: memory", "pass: the last run put everything in place",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%s", want, got.stdout)
		}
	}
	b.wantClean("/run/app.env", keptIdentity)
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
		{"a mode", func(b *box) { b.put("/run/app.env", verifyText, 0o644) }, "FAIL: /run/app.env has mode 0644: run chmod 0600 on it"},
		{"a file gone", func(b *box) { _ = os.Remove(b.path("/run/app.env")) }, "FAIL: /run/app.env is missing: run `ageenv drop`"},
		{"a symlink", func(b *box) {
			_ = os.Rename(b.path("/run/app.env"), b.path("/run/other"))
			_ = os.Symlink("other", b.path("/run/app.env"))
		}, "FAIL: /run/app.env is not a regular file: remove it"},
		{"a mode in a directory", func(b *box) { b.put("/run/d/KEY", "whole-Value-2", 0o640) }, "FAIL: /run/d/KEY has mode 0640: run chmod 0600 on it"},
		{"the identity", func(b *box) { _ = os.Chmod(b.path(keptIdentity), 0o640) }, "FAIL: /var/lib/ageenv/identity is "},
		{"a copy", func(b *box) {
			b.put("/var/log/cloud-init.log", "AGE-SECRET-KEY-1QQQ", 0o644)
		}, "FAIL: others can read an identity in /var/log/cloud-init.log"},
		{"a value in an environment", func(b *box) { b.containers(map[string]string{"inspect c1": `"TOKEN=` + canary + `"`}) }, "FAIL: docker inspect of web shows a value of /run/app.env: use exposure"},
		{"a password in a URL", func(b *box) {
			b.containers(map[string]string{"inspect c1": `"DB=postgres://user:hunter2@db/app"`})
		}, "FAIL: docker inspect of web"},
		{"a value with anything in it", func(b *box) { b.containers(map[string]string{"logs c1": "x " + verifySecret}) }, "FAIL: docker logs of web"},
		{"a value that has no name", func(b *box) { b.containers(map[string]string{"logs c1": "raw-Token-3"}) }, "FAIL: docker logs of web shows a value of /run/token:"},
		{"a directory's value", func(b *box) { b.containers(map[string]string{"logs c1": "whole-Value-2"}) }, "FAIL: docker logs of web shows a value of /run/d/KEY:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := verifyBox(t)
			tt.disturb(b)
			got := b.tool("verify")
			if got.code != 1 || !strings.Contains(got.stdout, tt.want) {
				t.Errorf("code %d, want %q in\n%s%s", got.code, tt.want, got.stdout, got.stderr)
			}
			logged, err := os.ReadFile(b.given())
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

// What does not answer has shown nothing, and does not pass.
func TestVerifyDoesNotPassWhatItCannotSee(t *testing.T) {
	b := verifyBox(t)
	b.fake("docker", `case "$*" in "ps "*) echo c1 web ;; inspect*) exit 1 ;; logs*) echo `+canary+`; exit 1 ;; esac`)
	got := b.tool("verify")
	for _, line := range []string{"unseen: docker inspect of web: docker failed", "FAIL: docker logs of web shows a value of /run/app.env:"} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("no %q in\n%s", line, got.stdout)
		}
	}
	if got.code != 1 || strings.Contains(got.stdout, "pass: docker") {
		t.Errorf("code %d\n%s", got.code, got.stdout)
	}
}

// What is on a tmpfs is not safe from swap, and verify says so if there is any.
func TestVerifySwap(t *testing.T) {
	const header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	t.Parallel()
	b := verifyBox(t)
	for _, swaps := range []string{"", header, header + "/swapfile file 1048572 0 -2\n"} {
		want := strings.Count(swaps, "\n") == 2
		if swaps != "" {
			b.put("/proc/swaps", swaps, 0o644)
		}
		got := b.tool("verify")
		line := "unseen: swap, which is on: files on a tmpfs, and what age holds while it opens a payload, may be written to /swapfile: encrypt it\n"
		if got.code != 0 || got.stderr != "" || strings.Contains(got.stdout, line) != want || strings.Contains(got.stdout, "swap") != want {
			t.Errorf("with %q: code %d\n%s%s", swaps, got.code, got.stdout, got.stderr)
		}
	}
}

func TestVerifyHealth(t *testing.T) {
	b := verifyBox(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/up" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	b.env = []string{"no_proxy=*"}
	if got := b.tool("verify", "--health", server.URL+"/up"); got.code != 0 || !strings.Contains(got.stdout, "pass: "+server.URL+"/up answers with HTTP status 200") {
		t.Errorf("code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got := b.tool("verify", "--health", server.URL+"/down"); got.code != 1 || !strings.Contains(got.stdout, "FAIL: "+server.URL+"/down answers with HTTP status 503") {
		t.Errorf("code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	for _, args := range [][]string{{"verify", "--health"}, {"verify", "x"}, {"verify", "--health", "x"}, {"verify", "--health", "http://x", "y"}} {
		if got := b.tool(args...); got.code != 64 {
			t.Errorf("%q: code %d", args, got.code)
		}
	}
}
