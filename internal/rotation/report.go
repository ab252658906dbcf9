package rotation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// State says how an item stands to its schedule.
type State string

// The states.
const (
	OK      State = "ok"
	Due     State = "due"     // the time has come
	Overdue State = "overdue" // and has been over for longer than is tolerated, or is not known
)

// Item is something that has to be rotated.
type Item struct {
	Name      string
	Kind      string // for example "API key"
	Owner     string
	ChangedAt time.Time // when it was last changed; zero where that is not known
	Days      int64     // how long it may stay
	Automated bool      // whether it is rotated without a person
	// OperatorRemovedAt is when somebody who could read it was last removed; zero if
	// nobody was.
	OperatorRemovedAt time.Time
}

// knownSince reports whether the item has not changed since somebody left at a time,
// so that they still know it. The zero time is nobody.
func (i Item) knownSince(left time.Time) bool { return !left.IsZero() && !i.ChangedAt.After(left) }

// dueAt is when the item has to be rotated: by its schedule, or when an operator was
// removed who still knows it.
func (i Item) dueAt() time.Time {
	due := DueAt(i.ChangedAt, i.Days)
	if i.knownSince(i.OperatorRemovedAt) && i.OperatorRemovedAt.Before(due) {
		return i.OperatorRemovedAt
	}
	return due
}

// Row is an item in a report.
type Row struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Owner   string `json:"owner"`
	AgeDays *int64 `json:"age_days"` // whole days; nil where the age is not known
	// ChangedAt and DueAt are nil likewise.
	ChangedAt *time.Time `json:"changed_at"`
	DueAt     *time.Time `json:"due_at"`
	State     State      `json:"state"`
}

// Report is what is due at a time.
type Report struct {
	At                time.Time `json:"at"`
	Rows              []Row     `json:"rows"`      // the most urgent first
	Unchanged         []string  `json:"unchanged"` // names that have not changed since somebody left; nil if nobody did
	AutomationPercent float64   `json:"automation_percent"`
	CompliancePercent float64   `json:"compliance_percent"` // of items that are not overdue
	// Scopes says who can read what is stored; nil if nothing was compared.
	Scopes *ScopeCompliance `json:"scope_compliance,omitempty"`
}

// NewReport looks at items at a time. An item that is due is overdue once that has
// been so for more than the tolerated days, and at once where its age is not known.
// left is when a recipient left, or zero: names that have not changed after that, or
// after an operator of their own was removed, are listed. Of no items, everything is automated and compliant.
func NewReport(items []Item, at time.Time, tolerated int64, left time.Time) Report {
	report := Report{At: at, Rows: []Row{}, AutomationPercent: 100, CompliancePercent: 100}
	automated, compliant := 0, 0
	for _, item := range items {
		row := Row{Name: item.Name, Kind: item.Kind, Owner: item.Owner, State: Overdue}
		if !item.ChangedAt.IsZero() {
			age := int64(at.Sub(item.ChangedAt) / day)
			due := item.dueAt()
			row.AgeDays, row.ChangedAt, row.DueAt, row.State = &age, &item.ChangedAt, &due, stateAt(due, at, tolerated)
		}
		if item.Automated {
			automated++
		}
		if row.State != Overdue {
			compliant++
		}
		if item.knownSince(left) || item.knownSince(item.OperatorRemovedAt) {
			report.Unchanged = append(report.Unchanged, item.Name)
		}
		report.Rows = append(report.Rows, row)
	}
	slices.SortStableFunc(report.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(urgency(b.State), urgency(a.State)), compareTimes(a.DueAt, b.DueAt), cmp.Compare(a.Name, b.Name))
	})
	slices.Sort(report.Unchanged)
	if len(items) > 0 {
		report.AutomationPercent = percent(automated, len(items))
		report.CompliancePercent = percent(compliant, len(items))
	}
	return report
}

func stateAt(due, at time.Time, tolerated int64) State {
	switch {
	case !IsDue(due, at):
		return OK
	case IsDue(DueAt(due, tolerated), at) && tolerated > 0, tolerated == 0 && at.After(due):
		return Overdue
	}
	return Due
}

func urgency(s State) int { return slices.Index([]State{OK, Due, Overdue}, s) }

// compareTimes puts what is not known first.
func compareTimes(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}

// percent is rounded down to a tenth, so that 100 means all.
func percent(part, whole int) float64 { return float64(part*1000/whole) / 10 }

// Names are the names of the rows in a state.
func (r Report) Names(state State) []string {
	names := []string{}
	for _, row := range r.Rows {
		if row.State == state {
			names = append(names, row.Name)
		}
	}
	return names
}

// JSON is the report for programs.
func (r Report) JSON() (string, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return string(text), err
}

// Markdown is the report to paste into a ticket. It has neither the report's time nor
// an age, which passes by itself: an output of it changes when an item changes or its
// state does, and not with every plan.
func (r Report) Markdown() string {
	var out strings.Builder
	out.WriteString("### Rotation report\n\n")
	fmt.Fprintf(&out, "%d overdue, %d due, %d ok. Compliance %.1f %%, automation %.1f %%.\n\n",
		len(r.Names(Overdue)), len(r.Names(Due)), len(r.Names(OK)), r.CompliancePercent, r.AutomationPercent)
	out.WriteString("| name | kind | owner | last changed | due | state |\n|---|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		changed, due := "unknown", "unknown"
		if row.ChangedAt != nil {
			changed, due = row.ChangedAt.UTC().Format(time.DateOnly), row.DueAt.UTC().Format(time.DateOnly)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", cell(row.Name), cell(row.Kind), cell(row.Owner), changed, due, row.State)
	}
	if len(r.Unchanged) > 0 {
		fmt.Fprintf(&out, "\nNot changed since a recipient left, so still known to whoever left: %d of %d.\n\n", len(r.Unchanged), len(r.Rows))
		for _, name := range r.Unchanged {
			out.WriteString("- " + cell(name) + "\n")
		}
	}
	if r.Scopes != nil {
		out.WriteString(r.Scopes.markdown())
	}
	return out.String()
}

// cell keeps a text from ending its cell or its line.
func cell(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;").Replace(text)
}
