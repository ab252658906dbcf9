package provider_test

import (
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// readReport validates and reads a report as Terraform does. The result is its attributes,
// nil after an error.
func readReport(t *testing.T, attributes map[string]any) (map[string]tftypes.Value, []*tfprotov6.Diagnostic) {
	t.Helper()
	const name = "ageenv_rotation_report"
	u := newUnitServer(t, nil)
	schema := u.schemas.DataSourceSchemas[name]
	all := map[string]any{"at": "2026-03-02T10:00:00Z", "items": []any{}}
	maps.Copy(all, attributes)
	config := u.value(schema, all)
	validated, err := u.server.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 || strings.Contains(fmt.Sprint(all), unitUnknown) {
		return nil, validated.Diagnostics
	}
	resp, err := u.server.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Diagnostics) > 0 {
		return nil, resp.Diagnostics
	}
	value, err := resp.State.Unmarshal(schema.ValueType())
	var state map[string]tftypes.Value
	if err != nil || value.As(&state) != nil {
		t.Fatalf("the report is no object: %v", err)
	}
	return state, nil
}

// scopesOf is the report's scope_compliance: the percentage, and a line for each offender.
func scopesOf(t *testing.T, state map[string]tftypes.Value) string {
	t.Helper()
	var compliance map[string]tftypes.Value
	var offenders []tftypes.Value
	if state["scope_compliance"].IsNull() {
		return "null"
	}
	if state["scope_compliance"].As(&compliance) != nil || compliance["offenders"].As(&offenders) != nil {
		t.Fatalf("scope_compliance is %s", state["scope_compliance"])
	}
	text := coreNumber(t, compliance["percent"])
	for _, o := range offenders {
		text += fmt.Sprintf("\n%s in %s: %s", coreText(t, o, "name"), coreText(t, o, "bundle"), coreText(t, o, "reason"))
	}
	return text
}

func coreNumber(t *testing.T, value tftypes.Value) string {
	t.Helper()
	var number *big.Float
	if err := value.As(&number); err != nil {
		t.Fatal(err)
	}
	return number.Text('f', 1)
}

func TestReportScopes(t *testing.T) {
	operator, runner, box, left := newPerson(t), newPerson(t), newPerson(t), newPerson(t)
	ssh := newSSHPerson(t)
	scopes := map[string]any{
		"people": []string{operator.recipient, ssh.recipient}, "ci": []string{runner.recipient}, "runtime": []string{box.recipient},
	}
	rules := []any{
		map[string]any{"name": "STAGE_*", "scopes": []string{"people", "ci", "runtime"}},
		map[string]any{"bundle": "app", "scopes": []string{"people", "runtime"}},
	}
	stored := func(bundle string, names []string, recipients ...string) any {
		return map[string]any{"bundle": bundle, "names": names, "recipients": recipients}
	}
	for name, tt := range map[string]struct {
		stored []any
		want   string
	}{
		"all comply": {[]any{stored("app", []string{"TOKEN", "STAGE_TOKEN"}, operator.recipient, box.recipient)}, "100.0"},
		"CI can read two of three": {
			[]any{stored("app", []string{"TOKEN", "STAGE_TOKEN", "DB"}, operator.recipient, runner.recipient)},
			"33.3\nDB in app: can be read in: ci\nTOKEN in app: can be read in: ci",
		},
		"an operator who left": {[]any{stored("app", []string{"TOKEN"}, operator.recipient, left.recipient)}, "0.0\nTOKEN in app: a recipient in no scope can read it: " + left.recipient},
		"no rule":              {[]any{stored("other", []string{"TOKEN"}, operator.recipient)}, "0.0\nTOKEN in other: no rule matches"},
		"a recipient with another comment and blanks": {
			[]any{stored("app", []string{"TOKEN"}, " "+operator.recipient, strings.Join(strings.Fields(ssh.recipient)[:2], " ")+" other@laptop")}, "100.0",
		},
		"nothing is stored": {[]any{}, "100.0"},
	} {
		t.Run(name, func(t *testing.T) {
			state, diagnostics := readReport(t, map[string]any{"scopes": scopes, "scope_rules": rules, "stored": tt.stored})
			if len(diagnostics) > 0 {
				t.Fatal(unitText(diagnostics))
			}
			if got := scopesOf(t, state); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
			var markdown string
			if err := state["markdown"].As(&markdown); err != nil || !strings.Contains(markdown, "### Scopes") {
				t.Errorf("the markdown is %s, %v", markdown, err)
			}
		})
	}
	state, diagnostics := readReport(t, nil)
	if len(diagnostics) > 0 || scopesOf(t, state) != "null" {
		t.Errorf("without scopes: %s %s", scopesOf(t, state), unitText(diagnostics))
	}
}

// What a plan can know is refused in the plan.
func TestReportScopesRefused(t *testing.T) {
	p := newPerson(t)
	good := func() map[string]any {
		return map[string]any{
			"scopes":      map[string]any{"people": []string{p.recipient}},
			"scope_rules": []any{map[string]any{"name": "*", "scopes": []string{"people"}}},
			"stored":      []any{map[string]any{"bundle": "app", "names": []string{"TOKEN"}, "recipients": []string{p.recipient}}},
		}
	}
	for name, tt := range map[string]struct {
		change map[string]any
		says   []string
	}{
		"a scope that is not there": {
			map[string]any{"scope_rules": []any{map[string]any{"scopes": []string{"people", "poeple"}}}},
			[]string{"Unknown scope", `scope_rules[0].scopes names "poeple", which is not in scopes. There are: people.`},
		},
		"an empty pattern": {map[string]any{"scope_rules": []any{map[string]any{"name": "", "scopes": []string{"people"}}}}, []string{"scope_rules[0].name", "at least 1"}},
		"no recipient":     {map[string]any{"scopes": map[string]any{"people": []string{"ada"}}}, []string{"Malformed recipient", `scopes["people"]`}},
		"rules alone":      {map[string]any{"scopes": nil, "stored": nil}, []string{"scopes", "scope_rules"}},
		"scopes alone":     {map[string]any{"scope_rules": nil, "stored": nil}, []string{"scopes", "stored"}},
		"without rules":    {map[string]any{"scope_rules": nil}, []string{"scope_rules"}},
		"not stored":       {map[string]any{"stored": nil}, []string{"stored"}},
		"who is not known": {map[string]any{"stored": []any{map[string]any{"bundle": "app", "names": []string{}, "recipients": []string{"grace"}}}}, []string{"Malformed recipient", "stored[0].recipients"}},
	} {
		t.Run(name, func(t *testing.T) {
			attributes := good()
			maps.Copy(attributes, tt.change)
			_, diagnostics := readReport(t, attributes)
			text := unitText(diagnostics)
			if len(diagnostics) == 0 {
				t.Fatal("it is not refused")
			}
			for _, part := range tt.says {
				if !strings.Contains(text, part) {
					t.Errorf("it does not say %q:\n%s", part, text)
				}
			}
		})
	}
	for name, change := range map[string]map[string]any{
		"all known":                {},
		"a key that is to be made": {"scopes": map[string]any{"people": unitUnknown}},
		"scopes not known yet":     {"scopes": unitUnknown},
		"rules not known yet":      {"scope_rules": unitUnknown},
		"a bundle to be made":      {"stored": []any{map[string]any{"bundle": "app", "names": unitUnknown, "recipients": unitUnknown}}},
	} {
		attributes := good()
		maps.Copy(attributes, change)
		if _, diagnostics := readReport(t, attributes); len(diagnostics) > 0 {
			t.Errorf("%s: %s", name, unitText(diagnostics))
		}
	}
}
