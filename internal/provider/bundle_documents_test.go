package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// documentsCore has a bundle, and a recipient of it.
func documentsCore(t *testing.T) (c *core, recipients []string) {
	t.Helper()
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	return newCore(valuesServer(t, at, newPerson(t), false), "ageenv_bundle"), []string{newPerson(t).recipient}
}

// A plan checks a document as a whole: with what is generated, what is carried over and
// the rest of a manifest. What it accepts is applied.
func TestDocumentsAreCheckedWhole(t *testing.T) {
	generated, large := map[string]any{"length": 32}, map[string]any{}
	for i := range 150 {
		large[fmt.Sprintf("K%d", i)] = map[string]any{"bytes": 4096, "encoding": "hex"}
	}
	data := map[string]any{"data": "x"}
	carried := map[string]any{"entries_wo": map[string]any{"data": "x", "B": "y"}, "generated": nil, "content_version": "1"}
	manifest := func(annotation string) map[string]any {
		return map[string]any{
			"entries_wo": map[string]any{"A": strings.Repeat("x", 1<<20)}, "generated": nil, "format": "sops_kubernetes",
			"kubernetes": map[string]any{"name": "app", "annotations": map[string]any{"note": annotation}},
		}
	}
	for name, tt := range map[string]struct {
		steps   []map[string]any
		refused string // by the plan of the last step
	}{
		"data, generated": {[]map[string]any{{"entries_wo": nil, "generated": map[string]any{"data": generated}, "format": "sops_json"}}, "whose one name is data"},
		"data, and another that is generated": {[]map[string]any{
			{"entries_wo": data, "generated": map[string]any{"G": generated}, "format": "sops_json"},
		}, ""},
		"data, generated, beside what is carried over": {[]map[string]any{
			{"entries_wo": map[string]any{"B": "y"}, "generated": nil, "content_version": "1"},
			{"entries_wo": map[string]any{"B": "y"}, "generated": map[string]any{"data": generated}, "content_version": "1", "format": "sops_json"},
		}, ""},
		"data alone is carried over": {[]map[string]any{
			{"entries_wo": data, "generated": map[string]any{"G": generated}, "content_version": "1"},
			{"entries_wo": map[string]any{"B": "never read"}, "generated": nil, "content_version": "1", "format": "sops_json"},
		}, "whose one name is data"},
		"carried over":                  {[]map[string]any{carried, {"entries_wo": carried["entries_wo"], "generated": nil, "content_version": "1", "format": "sops_json"}}, ""},
		"large, generated, of a Secret": {[]map[string]any{{"entries_wo": nil, "generated": large, "format": "sops_kubernetes", "kubernetes": map[string]any{"name": "app"}}}, "a Kubernetes Secret holds 1048576"},
		"a Secret as large as any":      {[]map[string]any{manifest("x")}, ""},
		"large annotations":             {[]map[string]any{manifest(strings.Repeat("x", 250<<10))}, "The encrypted document would be about"},
		"annotations of escapes":        {[]map[string]any{manifest(strings.Repeat("\x01", 100<<10))}, "The encrypted document would be about"},
		"annotations of many lines":     {[]map[string]any{manifest(strings.Repeat("x\n", 50<<10))}, "The encrypted document would be about"},
	} {
		t.Run(name, func(t *testing.T) {
			c, recipients := documentsCore(t)
			for i, step := range tt.steps {
				plan, diagnostics := c.plan(c.state, valuesArguments(recipients, step))
				if refused := i == len(tt.steps)-1 && tt.refused != ""; refused {
					if !coreFailed(diagnostics) || !strings.Contains(unitText(diagnostics), tt.refused) {
						t.Errorf("the plan does not say %q: %.500s", tt.refused, unitText(diagnostics))
					}
					continue
				}
				mustNot(t, diagnostics)
				mustNot(t, c.change(&plan))
			}
		})
	}
}

// mustNot fails if there is an error.
func mustNot(t *testing.T, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	if coreFailed(diagnostics) {
		t.Fatalf("%.500s", unitText(diagnostics))
	}
}
