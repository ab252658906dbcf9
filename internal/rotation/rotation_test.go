package rotation_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func ago(days int) time.Time { return now.Add(-time.Duration(days) * 24 * time.Hour) }

func TestDue(t *testing.T) {
	due := rotation.DueAt(ago(30), 30)
	for name, tt := range map[string]struct {
		at   time.Time
		want bool
	}{
		"a second before": {now.Add(-time.Second), false},
		"to the second":   {now, true},
		"after":           {now.Add(time.Hour), true},
	} {
		if got := rotation.IsDue(due, tt.at); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReportStates(t *testing.T) {
	for name, tt := range map[string]struct {
		changed   time.Time
		days      int64
		tolerated int64
		want      rotation.State
	}{
		"fresh":                    {ago(1), 30, 7, rotation.OK},
		"on its last day":          {ago(30).Add(time.Second), 30, 7, rotation.OK},
		"due to the second":        {ago(30), 30, 7, rotation.Due},
		"tolerated":                {ago(36), 30, 7, rotation.Due},
		"no longer":                {ago(37), 30, 7, rotation.Overdue},
		"nothing tolerated, due":   {ago(30), 30, 0, rotation.Due},
		"nothing tolerated, later": {ago(30).Add(-time.Second), 30, 0, rotation.Overdue},
		"not known":                {time.Time{}, 30, 7, rotation.Overdue},
		"changed in the future":    {ago(-1), 30, 7, rotation.OK},
	} {
		r := rotation.NewReport([]rotation.Item{{Name: "x", ChangedAt: tt.changed, Days: tt.days}}, now, tt.tolerated, time.Time{})
		if got := r.Rows[0].State; got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestReport(t *testing.T) {
	items := []rotation.Item{
		{Name: "OK_NEW", Kind: "API key", Owner: "a", ChangedAt: ago(1), Days: 90, Automated: true},
		{Name: "OVERDUE", Kind: "JWT | secret", Owner: "b\nc", ChangedAt: ago(400), Days: 365},
		{Name: "DUE", Kind: "password", Owner: "a", ChangedAt: ago(31), Days: 30, Automated: true},
		{Name: "UNKNOWN", Kind: "password", Owner: "a", Days: 30},
	}
	r := rotation.NewReport(items, now, 7, ago(31))
	var order []string
	for _, row := range r.Rows {
		order = append(order, row.Name)
	}
	if want := []string{"UNKNOWN", "OVERDUE", "DUE", "OK_NEW"}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
	if r.AutomationPercent != 50 || r.CompliancePercent != 50 {
		t.Errorf("automation %v, compliance %v", r.AutomationPercent, r.CompliancePercent)
	}
	// What changed in the moment somebody left may have been read by them.
	if want := []string{"DUE", "OVERDUE", "UNKNOWN"}; !slices.Equal(r.Unchanged, want) {
		t.Errorf("unchanged are %v, want %v", r.Unchanged, want)
	}
	markdown := r.Markdown()
	for _, want := range []string{
		"### Rotation report\n\n2 overdue, 1 due, 1 ok. Compliance 50.0 %, automation 50.0 %.",
		"| UNKNOWN | password | a | unknown | unknown | overdue |", "| OVERDUE | JWT \\| secret | b c | 2025-01-26 | 2026-01-26 | overdue |", "- DUE\n",
	} {
		if !strings.Contains(markdown, want) {
			t.Errorf("there is no %q in\n%s", want, markdown)
		}
	}
	text, err := r.JSON()
	var back rotation.Report
	if err != nil || json.Unmarshal([]byte(text), &back) != nil || len(back.Rows) != 4 || back.Rows[1].Name != "OVERDUE" || *back.Rows[1].AgeDays != 400 {
		t.Errorf("the JSON is %s, %v", text, err)
	}
}

// Time alone does not change the markdown, until it changes a state.
func TestMarkdownIsStable(t *testing.T) {
	items := []rotation.Item{{Name: "A", ChangedAt: ago(5), Days: 30}, {Name: "B", ChangedAt: ago(31), Days: 30}, {Name: "C", Days: 30}}
	at := func(days int) string {
		return rotation.NewReport(items, now.AddDate(0, 0, days), 7, time.Time{}).Markdown()
	}
	if today, later := at(0), at(5); today != later {
		t.Errorf("five days later it is another one:\n%s\n%s", today, later)
	}
	if at(0) == at(7) {
		t.Error("it does not tell that B is overdue now")
	}
}

func TestReportOfNothing(t *testing.T) {
	r := rotation.NewReport(nil, now, 7, time.Time{})
	if r.AutomationPercent != 100 || r.CompliancePercent != 100 || len(r.Rows) != 0 || r.Unchanged != nil {
		t.Errorf("got %+v", r)
	}
}

// What a removed operator could read is due from then on, and listed until it changes.
func TestReportOperatorRemoved(t *testing.T) {
	for name, tt := range map[string]struct {
		changed, removed time.Time
		want             rotation.State
		listed           bool
	}{
		"nobody removed":           {ago(5), time.Time{}, rotation.OK, false},
		"just removed":             {ago(5), now, rotation.Due, true},
		"removed, tolerated":       {ago(5), ago(3), rotation.Due, true},
		"removed long ago":         {ago(20), ago(8), rotation.Overdue, true},
		"changed since":            {ago(2), ago(3), rotation.OK, false},
		"changed at that time":     {ago(3), ago(3), rotation.Due, true},
		"due by its schedule, too": {ago(40), ago(3), rotation.Overdue, true},
		"not known":                {time.Time{}, ago(3), rotation.Overdue, true},
	} {
		r := rotation.NewReport([]rotation.Item{{Name: "x", ChangedAt: tt.changed, Days: 30, OperatorRemovedAt: tt.removed}}, now, 7, time.Time{})
		if got := r.Rows[0].State; got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if listed := slices.Contains(r.Unchanged, "x"); listed != tt.listed {
			t.Errorf("%s: listed as unchanged: %t", name, listed)
		}
	}
	r := rotation.NewReport([]rotation.Item{
		{Name: "A", ChangedAt: ago(5), Days: 30, OperatorRemovedAt: ago(3)}, {Name: "B", ChangedAt: ago(1), Days: 30, OperatorRemovedAt: ago(3)},
	}, now, 7, time.Time{})
	if text := r.Markdown(); !strings.Contains(text, "Not changed since a recipient left, so still known to whoever left: 1 of 2.\n\n- A\n") {
		t.Errorf("the markdown is\n%s", text)
	}
}

func TestStaysDue(t *testing.T) {
	for _, tt := range []struct {
		before, after int64
		want          bool
	}{{30, 30, true}, {30, 7, true}, {30, 31, false}, {30, 0, false}, {0, 30, false}, {0, 0, false}} {
		if got := rotation.StaysDue(tt.before, tt.after); got != tt.want {
			t.Errorf("due after %d days, and with %d days: %t", tt.before, tt.after, got)
		}
	}
}
