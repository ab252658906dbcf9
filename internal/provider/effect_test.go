package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// effect is another value of one attribute, and what it has to change.
type effect struct {
	with    map[string]any // other arguments of the configurations before and after; nil takes one away
	before  any            // the attribute's value before, if it is not that of the base
	value   any            // and after
	changes string         // a computed attribute that differs after the apply
	replace bool           // or the resource is replaced
	planned bool           // or nothing follows in this apply; the change is only planned
}

// effectCase is one resource.
type effectCase struct {
	base    map[string]any
	effects map[string]effect // by path: files.path is that of the first file
}

// settable are the paths of all attributes that a configuration can set.
func settable(prefix string, attributes []*tfprotov6.SchemaAttribute) (paths []string) {
	for _, a := range attributes {
		if !a.Optional && !a.Required {
			continue
		}
		if a.NestedType != nil {
			paths = append(paths, settable(prefix+a.Name+".", a.NestedType.Attributes)...)
			continue
		}
		paths = append(paths, prefix+a.Name)
	}
	return paths
}

// set returns the configuration with another value at a path.
func set(config map[string]any, path string, value any) map[string]any {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		return with(config, name, value)
	}
	switch outer := config[name].(type) {
	case []any:
		inner, _ := outer[0].(map[string]any)
		return with(config, name, append([]any{set(inner, rest, value)}, outer[1:]...))
	case map[string]any:
		if !strings.Contains(rest, ".") && name == "kubernetes" { // an object, and no map of objects
			return with(config, name, with(outer, rest, value))
		}
		for key, element := range outer {
			inner, _ := element.(map[string]any)
			return with(config, name, with(outer, key, set(inner, rest, value)))
		}
	}
	panic(path + ": there is nothing to change")
}

// A change of each attribute alone has an effect. One that is new fails here until it
// is in the table.
func TestEveryAttributeHasAnEffect(t *testing.T) {
	operator, second, box, other := newPerson(t), newPerson(t), newPerson(t), newPerson(t)
	sealed := func(text string) string {
		return sealedFile(t, bundle.AgeDotenv, text, box.recipient, other.recipient)
	}
	first, next := sealed("TOKEN=1\n"), sealed("TOKEN=2\n")
	travels := func(name, identity string) map[string]any {
		return map[string]any{"identity_file": nil, name: identity}
	}
	text := func(dialect string) map[string]any { return map[string]any{"entries_wo": nil, "dialect": dialect} }
	manifest := func() map[string]any {
		return map[string]any{"format": "sops_kubernetes", "kubernetes": map[string]any{"name": "app"}}
	}
	cases := map[string]effectCase{
		"ageenv_key": {map[string]any{"algorithm": "x25519", "rotation_days": 30}, map[string]effect{
			"algorithm":         {value: "mlkem768x25519", replace: true},
			"escrow_recipients": {value: []string{operator.recipient, second.recipient}, changes: "wrapped_identity"},
			"keepers":           {before: map[string]any{"a": "1"}, value: map[string]any{"a": "2"}, replace: true},
			"rotation_days":     {value: 60, changes: "rotate_at"},
			"grace_days":        {value: 5, planned: true}, // of the next rotation
		}},
		"ageenv_bundle": {map[string]any{
			"entries_wo": map[string]any{"TOKEN": "1"}, "recipients": []string{box.recipient}, "format": "sops_dotenv", "dialect": "compose",
			"generated": map[string]any{"MADE": map[string]any{"length": 30, "rotation_days": 30}},
		}, map[string]effect{
			"entries_wo":              {value: map[string]any{"TOKEN": "2"}, changes: "ciphertext"},
			"dotenv_wo":               {with: text("compose"), before: "TOKEN=1\n", value: "TOKEN=2\n", changes: "ciphertext"},
			"references":              {with: map[string]any{"entries_wo": nil, "dotenv_wo": "A=1\nTOKEN=${A}$A\n"}, before: "resolve", value: "braces", changes: "ciphertext"},
			"content_version":         {value: "1", planned: true}, // the values are the same
			"recipients":              {value: []string{box.recipient, other.recipient}, changes: "ciphertext"},
			"operator_recipients":     {value: []string{operator.recipient, second.recipient}, changes: "ciphertext"},
			"format":                  {value: "age_dotenv", changes: "ciphertext"},
			"dialect":                 {value: "systemd", changes: "ciphertext"},
			"readers":                 {value: []string{"compose", "node"}, changes: "ciphertext"},
			"kubernetes.name":         {with: manifest(), value: "other", changes: "ciphertext"},
			"kubernetes.namespace":    {with: manifest(), value: "prod", changes: "ciphertext"},
			"kubernetes.type":         {with: manifest(), value: "example.com/app", changes: "ciphertext"},
			"kubernetes.labels":       {with: manifest(), value: map[string]any{"team": "a"}, changes: "ciphertext"},
			"kubernetes.annotations":  {with: manifest(), value: map[string]any{"note": "a"}, changes: "ciphertext"},
			"generated.length":        {value: 31, changes: "ciphertext"},
			"generated.charset":       {value: "abcdefghijklmnop", changes: "ciphertext"},
			"generated.bytes":         {with: map[string]any{"generated": map[string]any{"MADE": map[string]any{}}}, before: 32, value: 33, changes: "ciphertext"},
			"generated.encoding":      {with: map[string]any{"generated": map[string]any{"MADE": map[string]any{"bytes": 32}}}, before: "hex", value: "base64", changes: "ciphertext"},
			"generated.keepers":       {before: map[string]any{"a": "1"}, value: map[string]any{"a": "2"}, changes: "ciphertext"},
			"generated.rotation_days": {value: 60, changes: "generated_status"},
		}},
		// The bundle is given to the box as it is, and the identity is not in the script:
		// the same arguments give the same script.
		"ageenv_vultr_startup_script": {map[string]any{
			"name": "app", "identity_file": "/etc/box.key",
			"files": []any{map[string]any{"ciphertext_wo": first, "path": "/opt/app/.env", "owner": "root", "group": "root", "mode": "0600"}},
		}, map[string]effect{
			"name":                {value: "renamed", planned: true},
			"wrapped_identity":    {with: travels("wrapped_identity", ""), before: unitWrapped(t, box, operator), value: unitWrapped(t, other, operator), changes: "identity_recipient"},
			"identity_wo":         {with: travels("identity_wo", ""), before: box.identity, value: other.identity, changes: "identity_recipient"},
			"identity_file":       {value: "/etc/other.key", changes: "script_sha256"},
			"identity_command":    {with: travels("identity_command", ""), before: "fetch-key", value: "fetch-other-key", changes: "script_sha256"},
			"replace_triggers":    {before: map[string]any{"a": "1"}, value: map[string]any{"a": "2"}, replace: true},
			"upload_triggers":     {value: map[string]any{"a": "1"}, changes: "uploaded_at"},
			"scrub_after":         {value: "24h", planned: true}, // in 24 hours
			"files.ciphertext_wo": {value: next, changes: "script_sha256"},
			"files.path":          {value: "/opt/other/.env", changes: "script_sha256"},
			"files.owner":         {value: "app", changes: "script_sha256"},
			"files.group":         {value: "app", changes: "script_sha256"},
			"files.mode":          {value: "0640", changes: "script_sha256"},
			"files.layout":        {value: "directory", changes: "script_sha256"},
			"files.every_boot":    {value: true, changes: "script_sha256"},
			"files.exposure":      {value: "env", changes: "script_sha256"},
			"restart_units":       {value: []any{"app.service"}, changes: "script_sha256"},
			"metadata_units":      {value: []any{"bird.service"}, changes: "script_sha256"},
			"recreate_compose":    {value: []any{"/srv/app"}, changes: "script_sha256"},
			"run_after":           {value: []any{"echo done"}, changes: "script_sha256"},
			"block_metadata":      {value: true, changes: "script_sha256"},
			"user_script":         {value: "#!/bin/sh\necho mine\n", changes: "script_sha256"},
		}},
	}
	schemas := newUnitServer(t, nil).schemas.ResourceSchemas
	if len(schemas) != len(cases) {
		t.Errorf("there are %d resources, and the table has %d", len(schemas), len(cases))
	}
	for name, schema := range schemas {
		tt := cases[name]
		paths := settable("", schema.Block.Attributes)
		for path := range tt.effects {
			if !slices.Contains(paths, path) {
				t.Errorf("%s has no attribute %s", name, path)
			}
		}
		for _, path := range paths {
			e, listed := tt.effects[path]
			if !listed {
				t.Errorf("%s.%s is not in the table: what does another value of it change?", name, path)
				continue
			}
			t.Run(name+"."+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sim := vultrsim.New(vultrsim.Options{APIKey: simKey})
					env := map[string]string{"SOPS_AGE_KEY": operator.identity, "VULTR_API_KEY": simKey, "VULTR_API_URL": "http://127.0.0.1:1"}
					u := newUnitServer(t, env, func(o *provider.Options) { o.Transport, o.Now = sim.Transport(), time.Now })
					u.configure("1.11.4", map[string]any{"escrow_recipients": []string{operator.recipient}, "vultr": map[string]any{"requests_per_second": 1000}})
					hasEffect(t, newCore(u, name), tt.base, path, e)
				})
			})
		}
	}
}

func hasEffect(t *testing.T, c *core, base map[string]any, path string, e effect) {
	t.Helper()
	base = maps.Clone(base)
	maps.Copy(base, e.with)
	if e.before != nil {
		base = set(base, path, e.before)
	}
	changed := set(base, path, e.value)
	for _, config := range []map[string]any{base, changed} {
		resp, err := c.server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: c.name, Config: c.value(c.schema(), config), ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true}})
		if err != nil || coreFailed(resp.Diagnostics) {
			t.Fatal(err, unitText(resp.Diagnostics))
		}
	}
	if diagnostics := c.apply(base); coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	if plan, diagnostics := c.plan(c.state, base); !plan.empty {
		t.Fatalf("the plan without a change is not empty: %s", unitText(diagnostics))
	}
	plan, diagnostics := c.plan(c.state, changed)
	if coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	if plan.empty || plan.replace != e.replace {
		t.Fatalf("empty: %t; replaces: %t, want %t", plan.empty, plan.replace, e.replace)
	}
	if e.replace || e.planned {
		return
	}
	was := coreValue(t, c.state, e.changes)
	time.Sleep(time.Hour)
	if diagnostics := c.apply(changed); coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	if is := coreValue(t, c.state, e.changes); is.Equal(was) {
		t.Errorf("%s is still %s", e.changes, fmt.Sprintf("%.60s", is))
	}
	if plan, diagnostics := c.plan(c.state, changed); !plan.empty {
		t.Errorf("the next plan is not empty: %s", unitText(diagnostics))
	}
}
