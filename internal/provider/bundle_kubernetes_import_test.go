package provider_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Manifests as kubectl writes them are imported, and what is imported can be planned.
func TestImportedManifests(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: app\n"
	for name, tt := range map[string]struct{ text, refused string }{
		"kubectl's":             {"apiVersion: v1\ndata:\n    A: MQ==\nkind: Secret\nmetadata:\n    creationTimestamp: null\n    name: app\n", ""},
		"empty maps":            {manifest + "    labels: {}\n    annotations: null\ndata:\n    A: MQ==\n", ""},
		"stringData":            {manifest + "stringData:\n    A: \"1\"\n", ""},
		"truth value":           {manifest + "stringData:\n    A: true\n", "stringData.A: the value's type is not"},
		"number":                {manifest + "data:\n    A: MQ==\nstringData:\n    B: 4\n", "stringData.B: the value's type is not"},
		"nothing in the middle": {manifest + "data:\n    A: MQ==\n    B: null\n", "data.B: the value is no text"},
		"no data":               {manifest + "data: {}\n", "data: the value is no text"},
	} {
		t.Run(name, func(t *testing.T) {
			at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
			operator := newPerson(t)
			c := newCore(valuesServer(t, at, operator, false), "ageenv_bundle")
			file := filepath.Join(t.TempDir(), "app.yaml")
			writeFile(t, file, tt.text)
			writeFile(t, file, realRun(t, "AGEENV_TEST_SOPS", "", nil, "--encrypt", "--encrypted-regex", "^(data|stringData)$", "--age", operator.recipient, file))
			diagnostics := c.imported(file)
			if tt.refused != "" {
				if !coreFailed(diagnostics) || !strings.Contains(unitText(diagnostics), tt.refused) {
					t.Errorf("the import does not say %q: %s", tt.refused, unitText(diagnostics))
				}
				return
			}
			mustNot(t, diagnostics)
			arguments := valuesArguments([]string{}, map[string]any{
				"entries_wo": map[string]any{"A": "1"}, "generated": nil, "format": "sops_kubernetes", "kubernetes": map[string]any{"name": "app"},
			})
			mustNot(t, c.apply(arguments))
			if plan, diagnostics := c.plan(c.state, arguments); !plan.empty {
				t.Errorf("the plan is not empty: %s", unitText(diagnostics))
			}
		})
	}
}
