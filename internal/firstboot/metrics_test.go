package firstboot

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const collector = "/var/lib/prometheus/node-exporter"

func needPromtool(t *testing.T) string {
	t.Helper()
	p, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	return p
}

// metrics reads what node_exporter would, without comments, after promtool has.
func (b *box) metrics(promtool string) map[string]string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(collector + "/ageenv.prom"))
	if err != nil {
		b.t.Fatal(err)
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(string(text))
	if out, err := check.CombinedOutput(); err != nil {
		b.t.Errorf("promtool: %v\n%s\nin\n%s", err, out, text)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			at := strings.LastIndex(line, " ")
			found[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return found
}

func TestMetrics(t *testing.T) {
	promtool := needPromtool(t)
	identity, digest := newIdentity(t), strings.Repeat("0a", 32)
	f := everyBoot(fileOf(t, identity, `/run/it's "1" \ ü`, canary))
	f.SourceDigest = digest
	p := travelling(identity, f)
	p.Name = `box "one" \`
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			b.shell = shell.command
			if err := os.MkdirAll(b.path(collector), 0o755); err != nil {
				t.Fatal(err)
			}
			b.drop(p.mustRender(t))
			got := b.metrics(promtool)
			for name, want := range map[string]string{
				"ageenv_success": "1", `ageenv_result{name="box \"one\" \\",result="ok",reason=""}`: "1", "ageenv_exit_code": "0",
				"ageenv_every_boot": "1", "ageenv_metadata_open": "0",
				`ageenv_file_info{path="/run/it's \"1\" \\ ü",source_digest="` + digest + `"}`: "1",
			} {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
			for _, name := range []string{"ageenv_last_run_timestamp_seconds", "ageenv_last_success_timestamp_seconds", "ageenv_identity_timestamp_seconds"} {
				if n, err := strconv.ParseInt(got[name], 10, 64); err != nil || time.Since(time.Unix(n, 0)).Abs() > time.Minute {
					t.Errorf("%s is %q, not now", name, got[name])
				}
			}
			if mode := b.stat(collector + "/ageenv.prom").mode.Perm(); mode != 0o644 {
				t.Errorf("mode %v", mode)
			}
			// A run that fails keeps the time of the last that did not.
			b.put("/var/lib/ageenv/success", "12345\n", 0o600)
			b.reboot()
			b.put("/run/it's \"1\" \\ ü/in/the/way", "x", 0o600)
			if got := b.tool("drop"); got.code != 7 {
				t.Fatalf("code %d: %s", got.code, got.stderr)
			}
			got = b.metrics(promtool)
			if got["ageenv_success"] != "0" || got["ageenv_exit_code"] != "7" || got["ageenv_last_success_timestamp_seconds"] != "12345" ||
				got[`ageenv_result{name="box \"one\" \\",result="failed",reason="target-directory"}`] != "1" {
				t.Errorf("after a failure: %v", got)
			}
			b.wantClean(keptIdentity)
		})
	}
}

// What is already there under the draft's name or the file's is not written through.
func TestMetricsAreNotWrittenThrough(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.put("/etc/victim", "x", 0o600)
	if err := os.MkdirAll(b.path(collector), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../../etc/victim", b.path(collector+"/ageenv.prom")); err != nil {
		t.Fatal(err)
	}
	b.drop(travelling(identity, fileOf(t, identity, "/f", canary)).mustRender(t))
	b.want("/etc/victim", "x")
	if !b.stat(collector + "/ageenv.prom").mode.IsRegular() {
		t.Error("it is no file")
	}
}

const monitoring = "../../examples/monitoring/"

// The rules are right and fire when they should, and they and the dashboard ask for
// metrics that there are.
func TestMonitoringExample(t *testing.T) {
	promtool := needPromtool(t)
	for _, args := range [][]string{{"check", "rules", "ageenv-rules.yml"}, {"test", "rules", "ageenv-rules-test.yml", "ageenv-rules-slow-test.yml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = monitoring
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	source, err := os.ReadFile("box/ageenv/metrics.py")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range regexp.MustCompile(`(?m)^ +\(?\("([a-z_]+)", "`).FindAllStringSubmatch(string(source), -1) {
		known = append(known, "ageenv_"+m[1])
	}
	known = append(known, "ageenv_file_info")
	asked := map[string]bool{}
	for _, file := range []string{"ageenv-rules.yml", "ageenv-dashboard.json"} {
		text, err := os.ReadFile(filepath.Join(monitoring, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(text) {
			t.Errorf("%s is no JSON", file)
		}
		for _, name := range regexp.MustCompile(`\bageenv_[a-z_]+`).FindAllString(string(text), -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
			asked[name] = true
		}
	}
	if len(known) < 9 || len(asked) < 8 {
		t.Errorf("%d metrics, %d asked for", len(known), len(asked))
	}
}
