package provider_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
)

// valuesCase is a bundle of API_KEY, DB and a generated SESSION_KEY that changes.
type valuesCase struct {
	before, after map[string]any // arguments; null takes one away
	days          int            // how many days pass
	alone         bool           // no identity is left
	changedAt     map[string]string
	says, silent  []string
}

// valuesArguments are the bundle's, with some replaced.
func valuesArguments(recipients []string, with map[string]any) map[string]any {
	all := map[string]any{
		"entries_wo": map[string]any{"API_KEY": "a", "DB": "canary-old"}, "recipients": recipients,
		"format": "sops_dotenv", "dialect": "compose",
		"generated": map[string]any{"SESSION_KEY": map[string]any{"length": 32, "rotation_days": 30, "keepers": map[string]string{"quarter": "1"}}},
	}
	maps.Copy(all, with)
	return all
}

// plannedTimes is a planned changed_at: "same" for a time that is known, "open" for one
// that is not, "none" where it is null; nil if the names are not known.
func plannedTimes(t *testing.T, planned tftypes.Value) map[string]string {
	t.Helper()
	var all, elements map[string]tftypes.Value
	if err := planned.As(&all); err != nil {
		t.Fatal(err)
	}
	if !all["changed_at"].IsKnown() {
		return nil
	}
	if err := all["changed_at"].As(&elements); err != nil {
		t.Fatal(err)
	}
	times := map[string]string{}
	for name, at := range elements {
		switch {
		case !at.IsKnown():
			times[name] = "open"
		case at.IsNull():
			times[name] = "none"
		default:
			times[name] = "same"
		}
	}
	return times
}

// valuesServer is a provider with an operator's identity, or without one.
func valuesServer(t testing.TB, c *clock, operator person, alone bool) *unitServer {
	env := map[string]string{"SOPS_AGE_KEY": operator.identity}
	if alone {
		env = nil
	}
	u := newUnitServer(t, env, func(o *provider.Options) { o.Now = c.now })
	if diagnostics := u.configure("1.11.0", map[string]any{"escrow_recipients": []string{operator.recipient}}); len(diagnostics) > 0 {
		t.Fatal(unitText(diagnostics))
	}
	return u
}

// A plan names the entries whose value changes and says why, and leaves the times of all
// others as they are. What it says comes true.
func TestBundleEffect(t *testing.T) {
	all := func(api, db, session string) map[string]string {
		return map[string]string{"API_KEY": api, "DB": db, "SESSION_KEY": session}
	}
	entries := func(db any) map[string]any {
		return map[string]any{"entries_wo": map[string]any{"API_KEY": "a", "DB": db}}
	}
	sessionKey := func(argument string, value any) map[string]any {
		spec := map[string]any{"length": 32, "rotation_days": 30, "keepers": map[string]string{"quarter": "1"}}
		spec[argument] = value
		return spec
	}
	session := func(argument string, value any) map[string]any {
		return map[string]any{"generated": map[string]any{"SESSION_KEY": sessionKey(argument, value)}}
	}
	version := func(text string, with map[string]any) map[string]any {
		with = maps.Clone(with)
		with["content_version"] = text
		return with
	}
	dotenv := func(text string) map[string]any { return map[string]any{"entries_wo": nil, "dotenv_wo": text} }
	other := newPerson(t).recipient
	for name, tt := range map[string]valuesCase{
		"a value":                  {after: entries("canary-new"), changedAt: all("same", "open", "same"), says: []string{"Values change: DB", "DB: the configuration gives another value", "All other values stay"}},
		"recipients alone":         {after: map[string]any{"recipients": []string{other}}, changedAt: all("same", "same", "same"), silent: []string{"alue"}},
		"the format alone":         {after: map[string]any{"format": "age_dotenv"}, changedAt: all("same", "same", "same"), silent: []string{"alue"}},
		"a version, same values":   {before: version("1", none()), after: version("2", none()), changedAt: all("open", "open", "same"), says: []string{"No value changes", "content_version changes"}},
		"a version and a value":    {before: version("1", none()), after: version("2", entries("canary-new")), changedAt: all("open", "open", "same"), says: []string{"Values change: DB", "All other values stay"}},
		"a value that is not read": {before: version("1", none()), after: version("1", map[string]any{"entries_wo": entries("canary-new")["entries_wo"], "recipients": []string{other}}), changedAt: all("same", "same", "same"), silent: []string{"alue"}},
		"a version, nothing opens": {
			before: map[string]any{"content_version": "1", "generated": nil}, after: map[string]any{"content_version": "2", "generated": nil}, alone: true,
			changedAt: map[string]string{"API_KEY": "open", "DB": "open"}, says: []string{"Values may change: API_KEY, DB", "nothing here opens the bundle"},
		},
		"an unknown value": {after: entries(unitUnknown), changedAt: all("same", "open", "same"), says: []string{"Values may change: DB", "known only at apply"}},
		"an unknown text":  {after: dotenv(unitUnknown), says: []string{"Which entries there will be is known only at apply"}},
		"keepers":          {after: session("keepers", map[string]string{"quarter": "2"}), changedAt: all("same", "same", "open"), says: []string{"Values change: SESSION_KEY", "SESSION_KEY: generated again: keepers changed"}},
		"unknown keepers":  {after: session("keepers", map[string]any{"quarter": unitUnknown}), changedAt: all("same", "same", "open"), says: []string{"Values may change: SESSION_KEY"}},
		"another length":   {after: session("length", 48), changedAt: all("same", "same", "open"), says: []string{"SESSION_KEY: generated again: length"}},
		"the schedule":     {days: 30, changedAt: all("same", "same", "open"), says: []string{"SESSION_KEY: generated again: rotation_days have passed. It was due at 2026-04-01T10:00:00Z"}},
		"a schedule alone": {after: session("rotation_days", 60), changedAt: all("same", "same", "same"), silent: []string{"alue"}},
		"given, then generated": {
			after:     map[string]any{"entries_wo": map[string]any{"API_KEY": "a"}, "generated": map[string]any{"DB": map[string]any{"length": 32}, "SESSION_KEY": sessionKey("length", 32)}},
			changedAt: all("same", "open", "same"), says: []string{"Values change: DB", "DB: generated from now on"},
		},
		"a name more": {after: map[string]any{"entries_wo": map[string]any{"API_KEY": "a", "DB": "canary-old", "NEW": "canary-new"}}, changedAt: map[string]string{"API_KEY": "same", "DB": "same", "NEW": "open", "SESSION_KEY": "same"}, silent: []string{"alue"}},
		"a name less": {after: map[string]any{"entries_wo": map[string]any{"API_KEY": "a"}}, changedAt: map[string]string{"API_KEY": "same", "SESSION_KEY": "same"}, silent: []string{"alue"}},
		"a comment":   {before: dotenv("API_KEY=a\nDB=canary-old\n"), after: dotenv("# note\nAPI_KEY=a\nDB=canary-old\n"), changedAt: all("same", "same", "same"), says: []string{"No value changes"}},
		"two at once": {after: map[string]any{"entries_wo": entries("canary-new")["entries_wo"], "generated": session("length", 48)["generated"], "recipients": []string{other}}, changedAt: all("same", "open", "open"), says: []string{"Values change: DB, SESSION_KEY"}},
	} {
		t.Run(name, func(t *testing.T) { tt.run(t) })
	}
}

func none() map[string]any { return map[string]any{} }

func (tt valuesCase) run(t *testing.T) {
	operator, box := newPerson(t), newPerson(t)
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c := newCore(valuesServer(t, at, operator, false), "ageenv_bundle")
	if diagnostics := c.apply(valuesArguments([]string{box.recipient}, tt.before)); coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	at.at = at.at.Add(time.Hour)
	at.days(float64(tt.days))()
	c.unitServer = valuesServer(t, at, operator, tt.alone)
	c.refresh()
	arguments := valuesArguments([]string{box.recipient}, tt.after)
	plan, diagnostics := c.plan(c.state, arguments)
	text := unitText(diagnostics)
	if coreFailed(diagnostics) {
		t.Fatal(text)
	}
	if got := plannedTimes(t, plan.planned); fmt.Sprint(got) != fmt.Sprint(tt.changedAt) {
		t.Errorf("changed_at is planned as %v, expected %v", got, tt.changedAt)
	}
	badOutput(t, text, tt.says, append(tt.silent, "canary"))
	if strings.Contains(fmt.Sprint(arguments), unitUnknown) {
		return // applying needs what is unknown
	}
	if diagnostics := c.change(&plan); coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	c.refresh()
	if plan, diagnostics := c.plan(c.state, arguments); !plan.empty && !tt.alone {
		t.Errorf("the second plan is not empty: %s", unitText(diagnostics))
	}
}

// An import knows the names, and not when a value changed: its time is null until the
// value changes.
func TestBundleEffectImported(t *testing.T) {
	operator := newPerson(t)
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c := newCore(valuesServer(t, at, operator, false), "ageenv_bundle")
	file := filepath.Join(t.TempDir(), "app.enc.env")
	writeFile(t, file, sealedFile(t, bundle.SOPSDotenv, "API_KEY=a\nDB=old\n", operator.recipient))
	mustNot(t, c.imported(file))
	for db, want := range map[string]map[string]string{
		"old":       {"API_KEY": "none", "DB": "none"},
		"new":       {"API_KEY": "none", "DB": "open"},
		unitUnknown: {"API_KEY": "none", "DB": "open"},
	} {
		plan, diagnostics := c.plan(c.state, valuesArguments([]string{}, map[string]any{"entries_wo": map[string]any{"API_KEY": "a", "DB": db}, "generated": nil}))
		mustNot(t, diagnostics)
		if got := plannedTimes(t, plan.planned); !maps.Equal(got, want) {
			t.Errorf("DB = %q: changed_at is planned as %v, expected %v", db, got, want)
		}
	}
	mustNot(t, c.apply(valuesArguments([]string{}, map[string]any{"entries_wo": map[string]any{"API_KEY": "a", "DB": "new"}, "generated": nil})))
	if got, want := plannedTimes(t, c.state), map[string]string{"API_KEY": "none", "DB": "same"}; !maps.Equal(got, want) {
		t.Errorf("changed_at is %v, expected %v", got, want)
	}
}

// A plan that can't open the bundle has to say so though a value is still unknown: the
// apply would have to compare it, and would fail half-way.
func TestBundleUnknownUnopened(t *testing.T) {
	operator, box := newPerson(t), newPerson(t)
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c := newCore(valuesServer(t, at, operator, false), "ageenv_bundle")
	arguments := func(db string) map[string]any {
		return valuesArguments([]string{box.recipient}, map[string]any{"generated": nil, "entries_wo": map[string]any{"DB": db}})
	}
	if diagnostics := c.apply(arguments("1")); coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	c.unitServer = valuesServer(t, at, operator, true)
	_, diagnostics := c.plan(c.state, arguments(unitUnknown))
	unitExpect(t, diagnostics, "Can't tell whether the content changed", "No identity was found")
}
