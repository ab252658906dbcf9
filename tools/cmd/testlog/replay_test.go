package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What is replayed is held against go test itself, in a module made for it.
func TestReplaySaysWhatGoTestSays(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                  "module example.com/m\n\ngo 1.26.0\n",
		"pass/pass_test.go":       "package pass\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Log(\"quiet\"); t.Run(\"sub\", func(*testing.T) {}) }\n",
		"skip/skip_test.go":       "package skip\nimport \"testing\"\nfunc TestS(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Skip(\"no sops\") }) }\n",
		"fail/fail_test.go":       "package fail\nimport \"testing\"\nfunc TestF(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Fatal(\"wrong\") }) }\n",
		"panics/panics_test.go":   "package panics\nimport \"testing\"\nfunc TestP(t *testing.T) { t.Log(\"before\"); panic(\"out\") }\n",
		"nobuild/nobuild_test.go": "package nobuild\nfunc nothing() { undefined() }\n",
		"none/none.go":            "package none\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	goTest := func(t *testing.T, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-count=1"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		output, _ := cmd.CombinedOutput() // some of the packages fail, as they should
		return string(output)
	}
	timings := regexp.MustCompile(`\d+\.\d+s|0x[0-9a-f]+\??|goroutine \d+|:\d+ \+`)
	for name, want := range map[string]result{
		"pass":    {passed: 2},
		"skip":    {passed: 1, skips: []skip{{pkg: "example.com/m/skip", test: "TestS/sub"}}},
		"fail":    {failed: 2},
		"panics":  {failed: 1},
		"nobuild": {},
		"none":    {},
	} {
		t.Run(name, func(t *testing.T) {
			var replayed strings.Builder
			got, err := replay(strings.NewReader(goTest(t, "-json", "./"+name)), &replayed)
			if err != nil {
				t.Fatal(err)
			}
			if got.passed != want.passed || got.failed != want.failed || len(got.skips) != len(want.skips) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			for i, s := range want.skips {
				if got.skips[i].id() != s.id() || !strings.Contains(got.skips[i].output, "no sops") {
					t.Errorf("got skip %+v, want %s and its reason", got.skips[i], s.id())
				}
			}
			plain := goTest(t, "./"+name)
			for _, line := range strings.Split(strings.TrimRight(timings.ReplaceAllString(plain, "T"), "\n"), "\n") {
				if line == "FAIL" { // go test's own last line, for all packages together
					continue
				}
				if !strings.Contains(timings.ReplaceAllString(replayed.String(), "T"), strings.TrimSpace(line)) {
					t.Errorf("go test says %q, which is missing in:\n%s", line, replayed.String())
				}
			}
			if strings.Contains(replayed.String(), "quiet") {
				t.Errorf("output of a test that passed:\n%s", replayed.String())
			}
		})
	}
}

func TestReplayPassesOnWhatIsNoEvent(t *testing.T) {
	var w strings.Builder
	long := strings.Repeat("x", 1<<20)
	if _, err := replay(strings.NewReader("go: downloading m v1\n{\"a\": 1}\n"+long), &w); err != nil {
		t.Fatal(err)
	}
	if want := "go: downloading m v1\n{\"a\": 1}\n" + long; w.String() != want {
		t.Fatalf("got %d bytes, want %d", w.Len(), len(want))
	}
}

// A timeout kills a package whose tests then never report that they failed.
func TestReplayShowsWhatAKilledPackageSaid(t *testing.T) {
	const events = `{"Action":"output","Package":"m/a","Test":"TestHangs","Output":"    waiting for sops\n"}
{"Action":"output","Package":"m/b","Test":"TestFine","Output":"    of another package\n"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t20s\n"}
{"Action":"fail","Package":"m/a"}
{"Action":"pass","Package":"m/b","Test":"TestFine"}
`
	var w strings.Builder
	if _, err := replay(strings.NewReader(events), &w); err != nil {
		t.Fatal(err)
	}
	if want := "FAIL\tm/a\t20s\n    waiting for sops\n"; w.String() != want {
		t.Fatalf("got %q, want %q", w.String(), want)
	}
}
