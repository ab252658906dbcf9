package provider_test

import (
	"reflect"
	"strings"
	"testing"
	"time"
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
	if text, ok := r["markdown"].(string); !ok || !strings.Contains(text, "| DUE | password | a | 2026-01-31 | 2026-03-02 | due |") {
		t.Errorf("the markdown is %v", r["markdown"])
	}
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the second plan: %v\n%s", err, out)
	}
}

// The markdown of a report as of now can be an output: later plans are empty.
func TestAccRotationReportMarkdownAsAnOutput(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(strings.Replace(reportConfig, `"2026-03-02T10:00:00Z"`, "plantimestamp()", 1) + `
output "report" {
  value = data.ageenv_rotation_report.r.markdown
}
`))
	cli.must("apply", "-auto-approve")
	time.Sleep(1100 * time.Millisecond) // times have a resolution of a second
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the second plan: %v\n%s", err, out)
	}
}

// An operator who is removed makes what they could read due.
func TestAccRotationReportOfRemovedOperator(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	write := func(people ...person) {
		var recipients []string
		for _, p := range people {
			recipients = append(recipients, p.recipient)
		}
		cli.write(w.escrowConfig(recipients, oneService+`
data "ageenv_rotation_report" "r" {
  at = plantimestamp()
  items = concat([for name, at in ageenv_bundle.b.changed_at : {
    name                = name
    kind                = "value"
    owner               = "a"
    days                = 90
    changed_at          = at
    operator_removed_at = ageenv_bundle.b.operator_removed_at
  }], [{
    name                = "KEY"
    kind                = "age key"
    owner               = "a"
    days                = 90
    changed_at          = ageenv_key.k.created_at
    operator_removed_at = ageenv_key.k.operator_removed_at
  }])
}
output "due" {
  value = join(",", sort(data.ageenv_rotation_report.r.due))
}
output "unchanged" {
  value = data.ageenv_rotation_report.r.unchanged == null ? "null" : join(",", data.ageenv_rotation_report.r.unchanged)
}
`))
	}
	report := func() string {
		t.Helper()
		cli.must("apply", "-auto-approve", "-refresh=false") // at is a new time
		var out []string
		for _, name := range []string{"due", "unchanged"} {
			value, err := cli.plain("output", "-raw", name).Output()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(value))
		}
		return strings.Join(out, " ")
	}
	write(w.operator, newPerson(t))
	cli.must("apply", "-auto-approve")
	if got := report(); got != " null" {
		t.Errorf("nobody was removed, and the report says %q", got)
	}
	write(w.operator)
	cli.must("apply", "-auto-approve")
	if got, want := report(), "DB_URL,KEY,TOKEN DB_URL,KEY,TOKEN"; got != want {
		t.Errorf("an operator was removed, and the report says %q, want %q", got, want)
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
