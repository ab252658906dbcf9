package provider_test

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// recoded is a script with its base64 written otherwise, or with another body.
func recoded(f func(body, base64 string) string) func(*vultrsim.Script) {
	return func(s *vultrsim.Script) {
		body, _ := base64.StdEncoding.DecodeString(s.Script)
		s.Script = f(string(body), s.Script)
	}
}

// Whatever somebody else does to a script is repaired in place, and what changes
// nothing for a box is no drift.
func TestDrift(t *testing.T) {
	encode := func(body string) string { return base64.StdEncoding.EncodeToString([]byte(body)) }
	for name, tt := range map[string]struct {
		alter  func(*vultrsim.Script) // nil removes it
		drifts bool
	}{
		"the body":                  {recoded(func(body, _ string) string { return encode(body + "echo more\n") }), true},
		"line endings":              {recoded(func(body, _ string) string { return encode(strings.ReplaceAll(body, "\n", "\r\n")) }), true},
		"a line ending at the end":  {recoded(func(body, _ string) string { return encode(strings.TrimSuffix(body, "\n")) }), true},
		"plain text":                {recoded(func(body, _ string) string { return body }), true},
		"encoded twice":             {recoded(func(_, text string) string { return encode(text) }), true},
		"emptied":                   {recoded(func(_, _ string) string { return "" }), true},
		"the name":                  {func(s *vultrsim.Script) { s.Name = "by hand" }, true},
		"the type":                  {func(s *vultrsim.Script) { s.Type = "pxe" }, true},
		"everything":                {func(s *vultrsim.Script) { s.Name, s.Type, s.Script = "x", "pxe", "eA==" }, true},
		"base64 in lines":           {recoded(func(_, text string) string { return text[:76] + "\r\n" + text[76:] + "\n" }), false},
		"base64 without padding":    {recoded(func(_, text string) string { return strings.TrimRight(text, "=") }), false},
		"base64 with spaces around": {recoded(func(_, text string) string { return " " + text + "\t" }), false},
		"removed":                   {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
				w.run(t, w.config(nil))
				id := w.attribute("id")
				time.Sleep(time.Hour)
				if tt.alter == nil {
					w.sim.Remove(id)
				} else {
					w.sim.Alter(id, tt.alter)
				}
				w.sim.ClearRequests()
				if tt.alter == nil {
					w.run(t, w.config(nil), "is not in this account")
				} else {
					w.run(t, w.config(nil))
				}
				if !tt.drifts {
					if n := len(w.sim.Requests()); n != 1 {
						t.Errorf("%d calls, want one that reads", n)
					}
					return
				}
				w.equal(t)
				if held := w.sim.Scripts()[0]; held.Name != "app" || held.Type != "boot" || tt.alter != nil && held.ID != id {
					t.Errorf("it is now %s, %q of type %s; it was %s", held.ID, held.Name, held.Type, id)
				}
				w.unchanged(t, w.config(nil))
			})
		})
	}
}

// Only replace_triggers replaces; what is unknown never does, and where it turns
// out equal nothing is uploaded.
func TestWhatReplaces(t *testing.T) {
	file := func(with map[string]any) any {
		return []any{with}
	}
	for name, tt := range map[string]struct {
		with     func(w *scriptWorld) map[string]any
		replaces bool
	}{
		"replace_triggers": {func(*scriptWorld) map[string]any {
			return map[string]any{"replace_triggers": map[string]string{"a": "2"}}
		}, true},
		"the name": {func(*scriptWorld) map[string]any { return map[string]any{"name": "renamed"} }, false},
		"the files": {func(w *scriptWorld) map[string]any {
			return map[string]any{"files": file(map[string]any{"ciphertext_wo": w.bundle, "path": "/etc/other.env"})}
		}, false},
		"upload_triggers": {func(*scriptWorld) map[string]any {
			return map[string]any{"upload_triggers": map[string]string{"a": "2"}}
		}, false},
		"scrub_after":   {func(*scriptWorld) map[string]any { return map[string]any{"scrub_after": "24h"} }, false},
		"unknown files": {func(*scriptWorld) map[string]any { return map[string]any{"files": unitUnknown} }, false},
		"an unknown ciphertext": {func(*scriptWorld) map[string]any {
			return map[string]any{"files": file(map[string]any{"ciphertext_wo": unitUnknown, "path": "/opt/app/.env"})}
		}, false},
		"an unknown identity":      {func(*scriptWorld) map[string]any { return map[string]any{"identity_wo": unitUnknown} }, false},
		"unknown upload_triggers":  {func(*scriptWorld) map[string]any { return map[string]any{"upload_triggers": unitUnknown} }, false},
		"an unknown scrub_after":   {func(*scriptWorld) map[string]any { return map[string]any{"scrub_after": unitUnknown} }, false},
		"an unknown name":          {func(*scriptWorld) map[string]any { return map[string]any{"name": unitUnknown} }, false},
		"unknown replace_triggers": {func(*scriptWorld) map[string]any { return map[string]any{"replace_triggers": unitUnknown} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
				base := w.config(map[string]any{"replace_triggers": map[string]string{"a": "1"}, "upload_triggers": map[string]string{"a": "1"}})
				w.run(t, base)
				id, body := w.attribute("id"), w.attribute("remote_sha256")
				config := maps.Clone(base)
				maps.Copy(config, tt.with(w))
				plan, diagnostics := w.plan(w.state, config)
				if coreFailed(diagnostics) || plan.replace != tt.replaces || plan.empty {
					t.Fatalf("replaces: %v, want %v; empty: %v: %s", plan.replace, tt.replaces, plan.empty, unitText(diagnostics))
				}
				if !strings.Contains(name, "unknown") || tt.replaces {
					return
				}
				w.sim.ClearRequests()
				plan.config = w.open(w.value(w.schema(), base)) // it turns out to be what it was
				plan.planned = known(t, plan.planned, w.state)
				if diagnostics := w.change(&plan); len(diagnostics) > 0 {
					t.Fatal(unitText(diagnostics))
				}
				if n := len(w.sim.Requests()); n != 0 || w.attribute("id") != id || w.attribute("remote_sha256") != body {
					t.Errorf("%d calls; the script is now %s, it was %s", n, w.attribute("id"), id)
				}
				w.unchanged(t, base)
			})
		})
	}
}

// known puts the state's values in the place of the arguments that a plan has as
// unknown; what is computed stays unknown.
func known(t *testing.T, planned, state tftypes.Value) tftypes.Value {
	t.Helper()
	var plan, was map[string]tftypes.Value
	if planned.As(&plan) != nil || state.As(&was) != nil {
		t.Fatal("no objects")
	}
	plan = maps.Clone(plan)
	for _, name := range []string{"name", "files", "upload_triggers", "scrub_after"} {
		if !plan[name].IsFullyKnown() {
			plan[name] = was[name]
		}
	}
	return tftypes.NewValue(planned.Type(), plan)
}

// A state that an older template has left: a newer one alone uploads nothing.
func TestTemplateVersionAloneUploadsNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		w.run(t, w.config(nil))
		var was map[string]tftypes.Value
		if err := w.state.As(&was); err != nil {
			t.Fatal(err)
		}
		was = maps.Clone(was)
		was["template_version"] = tftypes.NewValue(tftypes.String, "0")
		w.state = tftypes.NewValue(w.object(), was)
		w.unchanged(t, w.config(nil))
		if w.attribute("template_version") != "0" {
			t.Error("the state tells of a template that was not used")
		}
	})
}
