package provider_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// keyTakers are the arguments that may hold a private key; a map is named for its
// values. All others are found by walking the schemas, and refuse one.
var keyTakers = []string{
	"provider: identities[0]",
	"resource ageenv_bundle: dotenv_wo",
	`resource ageenv_bundle: entries_wo["name"]`,
	"resource ageenv_vultr_startup_script: identity_wo",
	"ephemeral ageenv_bundle: identity",
	"ephemeral ageenv_dotenv: text",
}

// textPlace is a place for a text in a type: an argument, an element, a value or a
// name in a map.
type textPlace struct {
	name string                     // as an error names it
	with func(string) tftypes.Value // the type's value with nothing but that text
}

// textPlaces walks a type.
func textPlaces(t tftypes.Type, name string) (places []textPlace) {
	inside := func(element tftypes.Type, name string, wrap func(tftypes.Value) tftypes.Value) {
		for _, place := range textPlaces(element, name) {
			places = append(places, textPlace{place.name, func(text string) tftypes.Value { return wrap(place.with(text)) }})
		}
	}
	list := func(v tftypes.Value) tftypes.Value { return tftypes.NewValue(t, []tftypes.Value{v}) }
	switch t := t.(type) {
	case tftypes.Object:
		for _, attribute := range slices.Sorted(maps.Keys(t.AttributeTypes)) {
			inside(t.AttributeTypes[attribute], strings.TrimPrefix(name+"."+attribute, "."), func(v tftypes.Value) tftypes.Value {
				all := map[string]tftypes.Value{}
				for other, otherType := range t.AttributeTypes {
					all[other] = tftypes.NewValue(otherType, nil)
				}
				all[attribute] = v
				return tftypes.NewValue(t, all)
			})
		}
	case tftypes.Map:
		inside(t.ElementType, name+`["name"]`, func(v tftypes.Value) tftypes.Value {
			return tftypes.NewValue(t, map[string]tftypes.Value{"name": v})
		})
		places = append(places, textPlace{"a name in " + name, func(text string) tftypes.Value {
			return tftypes.NewValue(t, map[string]tftypes.Value{text: tftypes.NewValue(t.ElementType, nil)})
		}})
	case tftypes.List:
		inside(t.ElementType, name+"[0]", list)
	case tftypes.Set:
		inside(t.ElementType, name, list)
	default:
		if t.Is(tftypes.String) {
			places = append(places, textPlace{name, func(text string) tftypes.Value { return tftypes.NewValue(t, text) }})
		}
	}
	return places
}

// keySchemas are all schemas that a configuration follows, by kind and name.
func keySchemas(all *tfprotov6.GetProviderSchemaResponse) map[string]map[string]*tfprotov6.Schema {
	kinds := map[string]map[string]*tfprotov6.Schema{
		"provider": {"": all.Provider}, "resource": all.ResourceSchemas, "data": all.DataSourceSchemas,
		"ephemeral": all.EphemeralResourceSchemas, "list": all.ListResourceSchemas, "action": {},
	}
	for name, action := range all.ActionSchemas {
		kinds["action"][name] = action.Schema
	}
	return kinds
}

// keyCall is a call of the protocol that carries a configuration.
type keyCall struct {
	name, kind string
	method     reflect.Value
}

// keyCalls are all that the server has: one that is new to the protocol is among
// them.
func keyCalls(t *testing.T, server tfprotov6.ProviderServer) (calls []keyCall) {
	t.Helper()
	dynamic := reflect.TypeFor[*tfprotov6.DynamicValue]()
	kinds := []struct{ part, kind string }{ // the first that the call's name has
		{"Provider", "provider"}, {"ListResource", "list"}, {"Ephemeral", "ephemeral"}, {"Data", "data"}, {"Action", "action"}, {"Resource", "resource"},
	}
	for i := range reflect.TypeOf(server).NumMethod() {
		name, method := reflect.TypeOf(server).Method(i).Name, reflect.ValueOf(server).Method(i)
		config, ok := method.Type().In(1).Elem().FieldByName("Config")
		if !ok || config.Type != dynamic {
			continue
		}
		at := slices.IndexFunc(kinds, func(k struct{ part, kind string }) bool { return strings.Contains(name, k.part) })
		if at < 0 {
			t.Errorf("%s carries a configuration, and this test does not know whose", name)
			continue
		}
		calls = append(calls, keyCall{name, kinds[at].kind, method})
	}
	return calls
}

// diagnostics makes the call and returns what it reports.
func (c keyCall) diagnostics(t *testing.T, name string, config *tfprotov6.DynamicValue) (diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	req := reflect.New(c.method.Type().In(1).Elem())
	for i := range req.Elem().NumField() {
		// A state and a plan are never null where there is a configuration.
		if f := req.Elem().Field(i); f.Type() == reflect.TypeOf(config) {
			f.Set(reflect.ValueOf(config))
		}
	}
	for _, field := range []string{"TypeName", "ActionType"} {
		if f := req.Elem().FieldByName(field); f.IsValid() {
			f.SetString(name)
		}
	}
	out := c.method.Call([]reflect.Value{reflect.ValueOf(context.Background()), req})
	if err, failed := out[1].Interface().(error); failed {
		t.Fatal(err)
	}
	switch resp := out[0].Interface().(type) {
	case *tfprotov6.InvokeActionServerStream:
		for event := range resp.Events {
			if end, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
				diagnostics = append(diagnostics, end.Diagnostics...)
			}
		}
	case *tfprotov6.ListResourceServerStream:
		for result := range resp.Results {
			diagnostics = append(diagnostics, result.Diagnostics...)
		}
	default:
		diagnostics, _ = out[0].Elem().FieldByName("Diagnostics").Interface().([]*tfprotov6.Diagnostic)
	}
	return diagnostics
}

// keysToRefuse are one of each kind, and what of each must not be shown.
func keysToRefuse(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"x25519": newPerson(t).identity, "lower case": strings.ToLower(newPerson(t).identity), "hybrid": newHybridPerson(t).identity,
		"ssh": newSSHPerson(t).identity, "plugin": "AGE-PLUGIN-CANARY-1QQPQYRSZQQQQ", "inside a text": "x=" + newPerson(t).identity + "\n",
	}
}

// keyShown reports whether a text shows a piece of a key.
func keyShown(text, key string) bool {
	text = strings.ToUpper(text)
	for _, line := range strings.Split(strings.ToUpper(key), "\n") {
		if len(line) > 20 && !strings.HasPrefix(line, "-----") && strings.Contains(text, line[len(line)-12:]) {
			return true
		}
	}
	return false
}

// Every text of every schema refuses a private key, in every call that carries it,
// but for the few that take one.
func TestEveryTextRefusesAPrivateKey(t *testing.T) {
	u := newUnitServer(t, nil)
	calls := keyCalls(t, u.server)
	if len(calls) < 14 {
		t.Fatalf("only %d calls carry a configuration", len(calls))
	}
	keys := keysToRefuse(t)
	var taken []string
	tried := 0
	for kind, schemas := range keySchemas(u.schemas) {
		for name, schema := range schemas {
			of := strings.TrimSpace(kind + " " + name)
			for _, place := range textPlaces(schema.ValueType(), "") {
				where := of + ": " + place.name
				takes := slices.Contains(keyTakers, where)
				if takes {
					taken = append(taken, where)
				}
				for _, c := range calls {
					if c.kind != kind || takes && !strings.HasPrefix(c.name, "Validate") {
						continue
					}
					for keyKind, key := range keys {
						config, err := tfprotov6.NewDynamicValue(schema.ValueType(), place.with(key))
						if err != nil {
							t.Fatal(err)
						}
						tried++
						checkKeyRefused(t, fmt.Sprintf("%s, %s, %s", c.name, where, keyKind), place.name, key, c.diagnostics(t, name, &config), takes)
					}
				}
			}
		}
	}
	slices.Sort(taken)
	if want := slices.Sorted(slices.Values(keyTakers)); !slices.Equal(taken, want) {
		t.Errorf("these take keys: %q, want %q", taken, want)
	}
	t.Logf("%d configurations were tried", tried)
}

func checkKeyRefused(t *testing.T, what, place, key string, diagnostics []*tfprotov6.Diagnostic, takes bool) {
	t.Helper()
	refused := false
	for _, d := range diagnostics {
		text := d.Summary + "\n" + d.Detail
		if strings.HasPrefix(d.Summary, "Private key ") {
			if refused = true; d.Attribute != nil {
				t.Errorf("%s: the error has an attribute, of which Terraform prints the source", what)
			}
			if !strings.Contains(d.Detail, "In "+place+": ") {
				t.Errorf("%s: the error does not name %s: %s", what, place, d.Detail)
			}
		}
		if keyShown(text+fmt.Sprint(d.Attribute), key) {
			t.Errorf("%s: the key is shown: %s", what, text)
		}
	}
	switch {
	case takes && refused:
		t.Errorf("%s: refused, and may hold a key", what)
	case !takes && (!refused || len(diagnostics) != 1):
		t.Errorf("%s: not refused, or more than that: %s", what, unitText(diagnostics))
	}
}

// Functions take no key in any argument.
func TestEveryFunctionRefusesAPrivateKey(t *testing.T) {
	u := newUnitServer(t, nil)
	for name, function := range u.schemas.Functions {
		parameters := slices.Clone(function.Parameters)
		if function.VariadicParameter != nil {
			parameters = append(parameters, function.VariadicParameter)
		}
		for i, parameter := range parameters {
			for _, place := range textPlaces(parameter.Type, parameter.Name) {
				for kind, key := range keysToRefuse(t) {
					arguments := make([]*tfprotov6.DynamicValue, len(parameters))
					for j, other := range parameters {
						value, err := tfprotov6.NewDynamicValue(other.Type, tftypes.NewValue(other.Type, tftypes.UnknownValue))
						if j == i {
							value, err = tfprotov6.NewDynamicValue(other.Type, place.with(key))
						}
						if arguments[j] = &value; err != nil {
							t.Fatal(err)
						}
					}
					resp, err := u.server.CallFunction(t.Context(), &tfprotov6.CallFunctionRequest{Name: name, Arguments: arguments})
					switch what := fmt.Sprintf("%s, %s, %s", name, place.name, kind); {
					case err != nil:
						t.Fatal(err)
					case resp.Error == nil, !strings.Contains(resp.Error.Text, "In "+place.name+": this looks like a private key"):
						t.Errorf("%s: not refused: %+v", what, resp.Error)
					case keyShown(resp.Error.Text, key):
						t.Errorf("%s: the key is shown: %s", what, resp.Error.Text)
					}
				}
			}
		}
	}
}

// An import ID is a path or a UUID.
func TestNoKeyIsAnImportID(t *testing.T) {
	u := newUnitServer(t, nil)
	for name := range u.schemas.ResourceSchemas {
		for kind, key := range keysToRefuse(t) {
			resp, err := u.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: key})
			if err != nil {
				t.Fatal(err)
			}
			checkKeyRefused(t, name+", "+kind, "the import ID", key, resp.Diagnostics, false)
		}
	}
}

// Nor is one an identity to import.
func TestNoKeyIsAnIdentity(t *testing.T) {
	u := newUnitServer(t, nil)
	identities, err := u.server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil || len(identities.IdentitySchemas) != len(u.schemas.ResourceSchemas) {
		t.Fatalf("%d of %d resources have an identity: %v", len(identities.IdentitySchemas), len(u.schemas.ResourceSchemas), err)
	}
	for name, schema := range identities.IdentitySchemas {
		for _, place := range textPlaces(schema.ValueType(), "") {
			for kind, key := range keysToRefuse(t) {
				data, err := tfprotov6.NewDynamicValue(schema.ValueType(), place.with(key))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := u.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: name, Identity: &tfprotov6.ResourceIdentityData{IdentityData: &data}})
				if err != nil {
					t.Fatal(err)
				}
				checkKeyRefused(t, name+", "+kind, "the identity to import", key, resp.Diagnostics, false)
			}
		}
	}
}
