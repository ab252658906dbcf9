package rotation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

// The scopes of a small team. Ada is an operator, and in CI for one environment.
var scopes = map[string][]string{
	"people": {"ada", "grace"}, "ci": {"ada", "runner"}, "runtime": {"box"}, "kubernetes": {"cluster"},
}

var scopeRules = []rotation.ScopeRule{
	{Name: "STAGE_*", Bundle: "*", Scopes: []string{"people", "ci", "runtime"}},
	{Name: "*", Bundle: "cluster/*", Scopes: []string{"people", "kubernetes"}},
	{Name: "PROD_*", Bundle: "*", Scopes: []string{"people", "runtime"}},
}

func TestCompareScopes(t *testing.T) {
	for name, tt := range map[string]struct {
		secret, bundle string
		recipients     []string
		reason         string // "" if it complies
	}{
		"as the rule asks":          {"PROD_TOKEN", "app", []string{"ada", "grace", "box"}, ""},
		"fewer can read it":         {"PROD_TOKEN", "app", []string{"grace"}, ""},
		"CI can read it":            {"PROD_TOKEN", "app", []string{"grace", "runner"}, "can be read in: ci"},
		"a person in two scopes":    {"PROD_TOKEN", "app", []string{"ada"}, ""},
		"CI may read it":            {"STAGE_TOKEN", "app", []string{"runner", "box"}, ""},
		"the first rule counts":     {"STAGE_TOKEN", "cluster/a", []string{"cluster"}, "can be read in: kubernetes"},
		"by the bundle":             {"PROD_TOKEN", "cluster/a", []string{"cluster", "ada"}, ""},
		"by the bundle, not so":     {"ANY", "cluster/a", []string{"box"}, "can be read in: runtime"},
		"two scopes":                {"PROD_TOKEN", "app", []string{"runner", "cluster"}, "can be read in: ci, kubernetes"},
		"no rule":                   {"OTHER", "app", []string{"ada"}, "no rule matches"},
		"who left":                  {"PROD_TOKEN", "app", []string{"ada", "linus"}, "a recipient in no scope can read it: linus"},
		"who left, and CI":          {"PROD_TOKEN", "app", []string{"linus", "runner"}, "can be read in: ci; a recipient in no scope can read it: linus"},
		"a long recipient is cut":   {"PROD_TOKEN", "app", []string{strings.Repeat("x", 65)}, "a recipient in no scope can read it: " + strings.Repeat("x", 64) + "…"},
		"the whole name matches":    {"MY_PROD_TOKEN", "app", []string{"ada"}, "no rule matches"},
		"a pattern's other signs":   {"PROD_A.B[1]", "a+b", []string{"ada"}, ""},
		"nobody can read it at all": {"PROD_TOKEN", "app", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := rotation.CompareScopes([]rotation.Stored{{Bundle: tt.bundle, Names: []string{tt.secret}, Recipients: tt.recipients}}, scopes, scopeRules)
			want := []rotation.Offender{}
			if tt.reason != "" {
				want = append(want, rotation.Offender{Name: tt.secret, Bundle: tt.bundle, Reason: tt.reason})
			}
			if fmt.Sprint(c.Offenders) != fmt.Sprint(want) || c.Secrets != 1 || c.Percent != float64(100*(1-len(want))) {
				t.Errorf("%+v, want %+v", c, want)
			}
		})
	}
}

func TestScopePercent(t *testing.T) {
	stored := []rotation.Stored{
		{Bundle: "a", Names: []string{"PROD_A", "PROD_B"}, Recipients: []string{"ada", "box"}},
		{Bundle: "b", Names: []string{"PROD_A"}, Recipients: []string{"runner"}},
	}
	// Rounded down: 100 means all.
	if c := rotation.CompareScopes(stored, scopes, scopeRules); c.Secrets != 3 || c.Percent != 66.6 || len(c.Offenders) != 1 {
		t.Errorf("%+v", c)
	}
	if c := rotation.CompareScopes(nil, nil, nil); c.Secrets != 0 || c.Percent != 100 || c.Offenders == nil {
		t.Errorf("of nothing: %+v", c)
	}
}

func TestReportWithScopes(t *testing.T) {
	r := rotation.NewReport(nil, now, 7, time.Time{})
	if text := r.Markdown(); strings.Contains(text, "Scopes") {
		t.Errorf("nothing was compared:\n%s", text)
	}
	c := rotation.CompareScopes([]rotation.Stored{{Bundle: "a|b", Names: []string{"PROD_A", "X"}, Recipients: []string{"ada"}}}, scopes, scopeRules)
	r.Scopes = &c
	const want = "\n### Scopes\n\n1 of 2 secrets are stored as the rules ask: 50.0 %.\n\n| name | bundle | reason |\n|---|---|---|\n| X | a\\|b | no rule matches |\n"
	if text := r.Markdown(); !strings.HasSuffix(text, want) {
		t.Errorf("the markdown is\n%s", text)
	}
	if text, err := r.JSON(); err != nil || !strings.Contains(text, `"percent": 50`) || !strings.Contains(text, `"reason": "no rule matches"`) {
		t.Errorf("the JSON is %s, %v", text, err)
	}
}
