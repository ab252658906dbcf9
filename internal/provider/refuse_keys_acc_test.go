package provider_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// isSettable reports whether a configuration can set the argument at a place.
func isSettable(attributes []*tfprotov6.SchemaAttribute, place string) bool {
	name, rest, nested := strings.Cut(strings.TrimPrefix(place, "a name in "), ".")
	name, _, _ = strings.Cut(name, "[")
	for _, a := range attributes {
		if a.Name == name {
			return (a.Optional || a.Required) && (!nested || a.NestedType == nil || isSettable(a.NestedType.Attributes, rest))
		}
	}
	return false
}

// keyCompany are the arguments without which a block or an element is refused for
// another reason. An element of another block may lack some of them.
var keyCompany = map[string]map[string]string{
	"resource ageenv_bundle":               {"recipients": `[]`, "entries_wo": `{ A = "x" }`},
	"resource ageenv_vultr_startup_script": {"name": `"n"`, "identity_file": `"/etc/key"`, "files": `[]`},
	"data ageenv_first_boot_script":        {"identity_file": `"/etc/key"`, "files": `[]`},
	"data ageenv_rotation_report":          {"at": `"2026-01-02T03:04:05Z"`, "items": `[]`},
	"ephemeral ageenv_bundle":              {"ciphertext": `"x"`},
	"ephemeral ageenv_dotenv":              {"text": `""`},
	"ephemeral ageenv_identity":            {"wrapped_identity": `"x"`},
	"files":                                {"ciphertext": `"x"`, "ciphertext_wo": `"x"`, "path": `"/run/x"`},
	"items":                                {"name": `"n"`, "kind": `"k"`, "owner": `"o"`, "days": "1"},
	"scope_rules":                          {"bundle": `"b"`, "name": `"n"`, "scopes": `["s"]`},
	"stored":                               {"bundle": `"b"`, "names": `["n"]`, "recipients": `[]`},
	"generated":                            {"length": "20"},
	"kubernetes":                           {"name": `"app"`},

	// In the place of the block's, for an argument that it has an alternative to.
	"generated, encoding":                                       {"bytes": "20"},
	"ephemeral ageenv_bundle, path":                             {},
	"ephemeral ageenv_dotenv, path":                             {},
	"data ageenv_first_boot_script, identity_command":           {"files": `[]`},
	"resource ageenv_vultr_startup_script, identity_command":    {"name": `"n"`, "files": `[]`},
	"resource ageenv_vultr_startup_script, wrapped_identity_wo": {"name": `"n"`, "files": `[]`},
	"data ageenv_rotation_report, scopes":                       keyScopes,
	"data ageenv_rotation_report, scope_rules":                  keyScopes,
	"data ageenv_rotation_report, stored":                       keyScopes,
}

// keyScopes are the arguments of a report that need each other.
var keyScopes = map[string]string{"at": `"2026-01-02T03:04:05Z"`, "items": `[]`, "scopes": `{ s = [] }`, "scope_rules": `[]`, "stored": `[]`}

// keyBlock writes the arguments of a block or an element: what is set, and what it
// needs besides.
func keyBlock(of string, value tftypes.Value, between string) string {
	var set map[string]tftypes.Value
	_ = value.As(&set)
	lines := map[string]string{}
	for name, v := range set {
		if !v.IsNull() {
			lines[name] = keyExpression(name, v)
			if only, ok := keyCompany[of+", "+name]; ok {
				keyFill(lines, only, value.Type())
				of = ""
			}
		}
	}
	keyFill(lines, keyCompany[of], value.Type())
	var out []string
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		out = append(out, name+" = "+lines[name])
	}
	return strings.Join(out, between)
}

func keyFill(lines, company map[string]string, of tftypes.Type) {
	object, _ := of.(tftypes.Object)
	for name, expression := range company {
		if _, known := object.AttributeTypes[name]; known && lines[name] == "" {
			lines[name] = expression
		}
	}
}

// keyExpression writes a value of the argument. A text that begins with var. is a
// reference.
func keyExpression(argument string, v tftypes.Value) string {
	text := func(text string) string {
		if strings.HasPrefix(text, "var.") {
			return text
		}
		return strconv.Quote(text)
	}
	var content string
	var members map[string]tftypes.Value
	var elements []tftypes.Value
	switch t := v.Type(); {
	case t.Is(tftypes.String):
		_ = v.As(&content)
		return text(content)
	case t.Is(tftypes.Object{}):
		return "{ " + keyBlock(argument, v, ", ") + " }"
	case t.Is(tftypes.Map{}):
		_ = v.As(&members)
		for name, member := range members {
			if member.IsNull() { // the name is what counts
				if member.Type().Is(tftypes.Set{}) {
					return "{ (" + text(name) + ") = [] }"
				}
				member = tftypes.NewValue(tftypes.String, "x")
				if object, ok := v.Type().(tftypes.Map).ElementType.(tftypes.Object); ok {
					return "{ (" + text(name) + ") = { " + keyBlock(argument, tftypes.NewValue(object, nil), ", ") + " } }"
				}
			}
			return "{ (" + text(name) + ") = " + keyExpression(argument, member) + " }"
		}
	case v.As(&elements) == nil && len(elements) == 1:
		return "[" + keyExpression(argument, elements[0]) + "]"
	}
	return "null"
}

// A configuration with a private key in every argument that takes none, at the level
// TRACE: each is refused by name, and the keys are in nothing that is printed or
// logged. As literals they are checked by validate, as variables by plan.
func TestAccKeysAreNotPrinted(t *testing.T) {
	u := newUnitServer(t, nil)
	for _, way := range []string{"validate", "plan"} {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t)
			c := newCLI(t, w)
			trace := filepath.Join(t.TempDir(), "trace.log")
			c.env["TF_LOG"], c.env["TF_LOG_PATH"] = "TRACE", trace
			var config strings.Builder
			var keys []string
			wanted := map[string]int{} // by what the error begins with
			text := func() string {
				key := "AGE-SECRET-KEY-1" + strings.NewReplacer("B", "0", "I", "8", "O", "9").Replace(rand.Text()+rand.Text())
				keys = append(keys, key)
				if way == "validate" {
					return key
				}
				name := fmt.Sprintf("k%d", len(keys))
				fmt.Fprintf(&config, "variable %q {\n  type = string\n  sensitive = true\n}\n", name)
				c.env["TF_VAR_"+name] = key
				return "var." + name
			}
			for kind, schemas := range keySchemas(u.schemas) {
				if kind == "action" || kind == "list" || kind == "provider" && way == "plan" {
					continue // a provider that can't be configured ends a plan
				}
				for _, name := range slices.Sorted(maps.Keys(schemas)) {
					attributes := schemas[name].Block.Attributes
					for i, place := range textPlaces(schemas[name].ValueType(), "") {
						// Terraform lets no sensitive value be a name in a map of objects.
						if !isSettable(attributes, place.name) || slices.Contains(keyTakers, strings.TrimSpace(kind+" "+name)+": "+place.name) ||
							way == "plan" && place.name == "a name in generated" {
							continue
						}
						wanted["In "+place.name+": "]++
						body := "  " + keyBlock(strings.TrimSpace(kind+" "+name), place.with(text()), "\n  ")
						if kind == "provider" {
							fmt.Fprintf(&config, "provider \"ageenv\" {\n  alias = \"p%d\"\n%s\n}\nresource \"ageenv_key\" \"p%d\" {\n  provider = ageenv.p%d\n}\n", i, body, i, i)
							continue
						}
						fmt.Fprintf(&config, "%s %q \"b%d\" {\n%s\n}\n", kind, name, i, body)
					}
				}
			}
			c.write(config.String())
			out, err := c.run(way, "-json")
			if err == nil {
				t.Errorf("%s succeeds", way)
			}
			found := map[string]int{}
			for _, d := range keyDiagnostics(t, way, out) {
				if place, isRendered := strings.CutSuffix(strings.SplitAfter(d, ": ")[0], ": "); isRendered {
					found[place+": "]++
				}
			}
			if !maps.Equal(found, wanted) {
				t.Errorf("refused are %v, want %v\n%s", found, wanted, out)
			}
			log, err := os.ReadFile(trace)
			if err != nil || !strings.Contains(string(log), "[TRACE] provider.") {
				t.Fatal("there is no trace of the provider")
			}
			for _, key := range keys {
				if keyShown(out, key) {
					t.Errorf("a key is printed: %s", out)
				}
				for line := range strings.SplitSeq(string(log), "\n") {
					if keyShown(line, key) {
						t.Errorf("a key is logged: %s", line)
					}
				}
			}
		})
	}
}

// keyDiagnostics are the details of the errors about keys; any other error is a fault
// of the test.
func keyDiagnostics(t *testing.T, way, out string) (details []string) {
	t.Helper()
	type diagnostic struct{ Severity, Summary, Detail string }
	var all []diagnostic
	if way == "validate" {
		var result struct{ Diagnostics []diagnostic }
		if start := strings.Index(out, "{"); start < 0 || json.Unmarshal([]byte(out[start:]), &result) != nil {
			t.Fatalf("validate printed no JSON: %s", out)
		}
		all = result.Diagnostics
	} else {
		for line := range strings.SplitSeq(out, "\n") {
			var message struct{ Diagnostic *diagnostic }
			if json.Unmarshal([]byte(line), &message) == nil && message.Diagnostic != nil {
				all = append(all, *message.Diagnostic)
			}
		}
	}
	for _, d := range all {
		switch {
		case d.Severity != "error":
		case strings.HasPrefix(d.Summary, "Private key "):
			details = append(details, d.Detail)
		default:
			t.Errorf("another error: %s: %s", d.Summary, d.Detail)
		}
	}
	return details
}
