package provider_test

import (
	"maps"
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// triggerChange is a change of a map of triggers.
type triggerChange struct {
	before, after any
	empty         bool // it plans nothing
	replaces      bool // or the value of a generated entry is made again
}

// A null value of a map is an absent one. What is null in the state and set for the
// first time is only noted.
var triggerChanges = map[string]triggerChange{
	"the same":                      {map[string]any{"a": "1"}, map[string]any{"a": "1"}, true, false},
	"a null is added":               {map[string]any{"a": "1"}, map[string]any{"a": "1", "b": nil}, true, false},
	"a null is removed":             {map[string]any{"a": "1", "b": nil}, map[string]any{"a": "1"}, true, false},
	"a null for another":            {map[string]any{"a": "1", "b": nil}, map[string]any{"a": "1", "c": nil}, true, false},
	"nothing but nulls":             {map[string]any{}, map[string]any{"a": nil}, true, false},
	"a map of nulls is removed":     {map[string]any{"a": nil}, nil, false, false},
	"an empty map is removed":       {map[string]any{}, nil, false, false},
	"a map is set":                  {nil, map[string]any{"a": "1"}, false, false},
	"a null is set":                 {map[string]any{"a": "1", "b": nil}, map[string]any{"a": "1", "b": "2"}, false, false},
	"a value changes":               {map[string]any{"a": "1"}, map[string]any{"a": "2"}, false, true},
	"a value changes, beside nulls": {map[string]any{"a": "1", "b": nil}, map[string]any{"a": "2", "c": nil}, false, true},
	"a value becomes null":          {map[string]any{"a": "1", "b": "2"}, map[string]any{"a": "1", "b": nil}, false, true},
	"a value is added":              {map[string]any{"a": "1"}, map[string]any{"a": "1", "b": "2"}, false, true},
	"a value is removed":            {map[string]any{"a": "1", "b": "2"}, map[string]any{"a": "1"}, false, true},
	"the map is removed":            {map[string]any{"a": "1"}, nil, false, true},
}

// coreValue is an attribute of an object.
func coreValue(t testing.TB, object tftypes.Value, name string) tftypes.Value {
	t.Helper()
	var all map[string]tftypes.Value
	if err := object.As(&all); err != nil {
		t.Fatal(err)
	}
	return all[name]
}

// generatedVersion is how often TOKEN was made.
func generatedVersion(t *testing.T, object tftypes.Value) int64 {
	t.Helper()
	var version big.Float
	if err := coreValue(t, coreValue(t, coreValue(t, object, "generated_status"), "TOKEN"), "version").As(&version); err != nil {
		t.Fatal(err)
	}
	n, _ := version.Int64()
	return n
}

func with(base map[string]any, name string, value any) map[string]any {
	base = maps.Clone(base)
	base[name] = value
	return base
}

// triggersPlan applies one configuration and plans another.
func triggersPlan(t *testing.T, c *core, before, after map[string]any) corePlan {
	t.Helper()
	if diagnostics := c.apply(before); coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	plan, diagnostics := c.plan(c.state, after)
	if coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	return plan
}

func TestTriggersOfKeys(t *testing.T) {
	operator := newPerson(t)
	for name, tt := range triggerChanges {
		t.Run(name, func(t *testing.T) {
			u := newUnitServer(t, map[string]string{"SOPS_AGE_KEY": operator.identity})
			u.configure("1.11.0", map[string]any{"escrow_recipients": []string{operator.recipient}})
			base := map[string]any{"algorithm": "x25519"}
			plan := triggersPlan(t, newCore(u, "ageenv_key"), with(base, "keepers", tt.before), with(base, "keepers", tt.after))
			if plan.empty != tt.empty || plan.replace != tt.replaces {
				t.Errorf("empty: %t, want %t; replaces: %t, want %t", plan.empty, tt.empty, plan.replace, tt.replaces)
			}
		})
	}
}

func TestTriggersOfScripts(t *testing.T) {
	for name, tt := range triggerChanges {
		t.Run("replace_triggers: "+name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
				plan := triggersPlan(t, w.core, w.config(map[string]any{"replace_triggers": tt.before}), w.config(map[string]any{"replace_triggers": tt.after}))
				if plan.empty != tt.empty || plan.replace != tt.replaces {
					t.Errorf("empty: %t, want %t; replaces: %t, want %t", plan.empty, tt.empty, plan.replace, tt.replaces)
				}
			})
		})
		t.Run("upload_triggers: "+name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
				plan := triggersPlan(t, w.core, w.config(map[string]any{"upload_triggers": tt.before}), w.config(map[string]any{"upload_triggers": tt.after}))
				// A map or a null that is set is a change here.
				uploads := tt.replaces || name == "a map is set" || name == "a null is set"
				if got := !coreValue(t, plan.planned, "script_sha256").IsKnown(); plan.empty != tt.empty || got != uploads || plan.replace {
					t.Errorf("empty: %t, want %t; uploads: %t, want %t", plan.empty, tt.empty, got, uploads)
				}
			})
		})
	}
}

func TestTriggersOfGeneratedEntries(t *testing.T) {
	operator := newPerson(t)
	for name, tt := range triggerChanges {
		t.Run(name, func(t *testing.T) {
			u := newUnitServer(t, map[string]string{"SOPS_AGE_KEY": operator.identity})
			u.configure("1.11.0", map[string]any{"escrow_recipients": []string{operator.recipient}})
			config := func(keepers any) map[string]any {
				return map[string]any{
					"recipients": []string{}, "format": "sops_dotenv", "dialect": "compose",
					"generated": map[string]any{"TOKEN": map[string]any{"bytes": 32, "keepers": keepers}},
				}
			}
			plan := triggersPlan(t, newCore(u, "ageenv_bundle"), config(tt.before), config(tt.after))
			again := tt.replaces || name == "a map is set" || name == "a null is set"
			if got := generatedVersion(t, plan.planned) == 2; plan.empty != tt.empty || got != again {
				t.Errorf("empty: %t, want %t; made again: %t, want %t", plan.empty, tt.empty, got, again)
			}
		})
	}
}
