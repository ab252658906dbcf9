package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const prefix = `{"Action":"run","Package":"example.com/m/internal/sops","Test":"TestReal"}
{"Action":"output","Package":"example.com/m/internal/sops","Test":"TestReal","Output":"    sops_test.go:9: no sops here\n"}
`

const (
	skipped = prefix + `{"Action":"skip","Package":"example.com/m/internal/sops","Test":"TestReal","Elapsed":0}
`
	passed = prefix + `{"Action":"pass","Package":"example.com/m/internal/sops","Test":"TestReal","Elapsed":0}
`
	subtest = `{"Action":"skip","Package":"example.com/m/internal/sops","Test":"TestReal/sub","Elapsed":0}
`
	noTests = `{"Action":"skip","Package":"example.com/m/internal/none","Elapsed":0}
`
)

func TestRunAcceptsOnlyAllowedSkips(t *testing.T) {
	tests := map[string]struct {
		list    string
		events  string
		wantErr string
		wantOut string
	}{
		"nothing skipped":        {events: passed, wantOut: "1 tests passed, 0 failed, 0 skipped"},
		"skipped, empty list":    {events: passed + skipped, wantErr: "1 tests were skipped", wantOut: "SKIPPED: example.com/m/internal/sops.TestReal\n    sops_test.go:9: no sops here"},
		"allowed":                {list: "tofu-1.12.6 internal/sops.TestReal needs a newer one\n", events: passed + skipped, wantOut: "(needs a newer one)"},
		"allowed by patterns":    {list: "# why\n\ntofu-* internal/*.Test* it is so\n", events: passed + skipped, wantOut: "(it is so)"},
		"another run":            {list: "terraform-* internal/sops.TestReal no\n", events: passed + skipped, wantErr: "skipped"},
		"another package":        {list: "* internal/age.TestReal no\n", events: passed + skipped, wantErr: "skipped"},
		"a subtest of the same":  {list: "* internal/sops.TestReal no\n", events: passed + subtest, wantErr: "skipped"},
		"that subtest":           {list: "* internal/sops.TestReal/* yes\n", events: passed + subtest, wantOut: "(yes)"},
		"a package without any":  {events: passed + noTests, wantOut: "0 skipped"},
		"no test at all":         {events: noTests, wantErr: "no test ran"},
		"all skipped as allowed": {list: "* internal/sops.TestReal yes\n", events: skipped, wantErr: "no test ran"},
		"no reason":              {list: "\n* internal/sops.TestReal\n", events: passed, wantErr: "line 2: want a run, a test and the reason"},
		"bad pattern":            {list: "* internal/[.TestReal why\n", events: passed, wantErr: "line 1: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "allowed")
			if err := os.WriteFile(file, []byte(test.list), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := run([]string{"-allow", file, "-run", "tofu-1.12.6"}, strings.NewReader(test.events), &out, io.Discard)
			if test.wantErr == "" && err != nil || test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)) {
				t.Errorf("error %v, want one with %q", err, test.wantErr)
			}
			if !strings.Contains(out.String(), test.wantOut) {
				t.Errorf("output lacks %q:\n%s", test.wantOut, out.String())
			}
		})
	}
}

func TestRunWithoutTheList(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if err := run([]string{"-allow", missing}, strings.NewReader(passed), io.Discard, io.Discard); err == nil {
		t.Fatal("a list that is not there was accepted")
	}
	if err := run(nil, strings.NewReader(skipped), io.Discard, io.Discard); err == nil {
		t.Fatal("without a list a skip was accepted")
	}
}

func TestRunListsTheSlowest(t *testing.T) {
	pass := func(test, elapsed string) string {
		return `{"Action":"pass","Package":"p","Test":"` + test + `","Elapsed":` + elapsed + "}\n"
	}
	events := pass("TestQuick", "0.5") + pass("TestSlow/sub", "80") + pass("TestSlow", "80.25") + pass("TestNext", "7")
	var out strings.Builder
	if err := run([]string{"-slowest", "2"}, strings.NewReader(events), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if want := "   80.2 s p.TestSlow\n    7.0 s p.TestNext\n4 tests passed, 0 failed, 0 skipped\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
