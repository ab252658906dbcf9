package provider_test

import (
	"reflect"
	"strings"
	"testing"
)

const reportConfig = `
data "ageenv_rotation_report" "r" {
  at      = "2026-03-02T10:00:00Z"
  left_at = "2026-02-01T00:00:00Z"
  items = [
    { name = "FRESH", kind = "API key", owner = "a", changed_at = "2026-03-01T10:00:00Z", days = 90, automated = true },
    { name = "DUE", kind = "password", owner = "a", changed_at = "2026-01-31T10:00:00Z", days = 30 },
    { name = "OLD", kind = "JWT secret", owner = "b", changed_at = "2024-01-01T00:00:00Z", days = 365 },
    { name = "UNKNOWN", kind = "JWT secret", owner = "b", changed_at = null, days = 365 },
  ]
}
`

func TestAccRotationReport(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(reportConfig + `
output "r" {
  value = data.ageenv_rotation_report.r
}
`))
	cli.must("apply", "-auto-approve")
	r := stateOf(t, cli)["ageenv_rotation_report.r"]
	for name, want := range map[string]any{
		"due": []any{"DUE"}, "overdue": []any{"UNKNOWN", "OLD"}, "unchanged": []any{"DUE", "OLD", "UNKNOWN"},
		"automation_percent": 25.0, "compliance_percent": 50.0,
	} {
		if !reflect.DeepEqual(r[name], want) {
			t.Errorf("%s is %v, expected %v", name, r[name], want)
		}
	}
	if text, ok := r["markdown"].(string); !ok || !strings.Contains(text, "| DUE | password | a | 30 | 2026-03-02 | due |") {
		t.Errorf("the markdown is %v", r["markdown"])
	}
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the second plan: %v\n%s", err, out)
	}
}

// A check block that asserts the report is what tells of what is overdue.
func TestAccRotationReportInACheck(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(reportConfig + `
check "rotation" {
  assert {
    condition     = length(data.ageenv_rotation_report.r.overdue) == 0
    error_message = "Overdue: ${join(", ", data.ageenv_rotation_report.r.overdue)}"
  }
}
`))
	badOutput(t, cli.must("plan"), []string{"Check block assertion failed", "Overdue: UNKNOWN, OLD"}, nil)
}

func TestAccBadReport(t *testing.T) {
	of := func(arguments string) string {
		return "data \"ageenv_rotation_report\" \"r\" {\n  " + arguments + "\n}\n"
	}
	badTable(t, map[string]badInput{
		"time":       {config: of("at = \"today\"\n  items = []"), says: []string{"at is not a time of the form"}},
		"item time":  {config: of("at = \"2026-03-02T10:00:00Z\"\n  items = [{ name = \"A\", kind = \"x\", owner = \"x\", changed_at = \"soon\", days = 1 }]"), says: []string{"items[0].changed_at is not a time"}},
		"no days":    {config: of("at = \"2026-03-02T10:00:00Z\"\n  items = [{ name = \"A\", kind = \"x\", owner = \"x\", days = 0 }]"), says: []string{"days", "between 1 and"}},
		"grace only": {config: "resource \"ageenv_key\" \"k\" {\n  grace_days = 5\n}\n", says: []string{"rotation_days"}},
		"algorithm":  {config: "resource \"ageenv_key\" \"k\" {\n  algorithm = \"rsa\"\n}\n", says: []string{"algorithm", "mlkem768x25519"}},
	})
}
