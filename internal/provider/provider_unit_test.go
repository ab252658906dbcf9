package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
)

// unitServer speaks to the provider as Terraform does, without a Terraform.
type unitServer struct {
	t       testing.TB
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

func newUnitServer(t testing.TB, env map[string]string, with ...func(*provider.Options)) *unitServer {
	t.Helper()
	environment := provider.ReadEnvironment(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	options := provider.Options{Version: "test", Environment: environment}
	for _, set := range with {
		set(&options)
	}
	server := provider.NewServer(provider.New(options)())
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schemas.Diagnostics) > 0 {
		t.Fatal(err, unitText(schemas.Diagnostics))
	}
	return &unitServer{t, server, schemas}
}

// configure configures the provider as a CLI of that version does.
func (u *unitServer) configure(cli string, attributes map[string]any) []*tfprotov6.Diagnostic {
	u.t.Helper()
	resp, err := u.server.ConfigureProvider(u.t.Context(), &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: cli, Config: u.value(u.schemas.Provider, attributes),
	})
	if err != nil {
		u.t.Fatal(err)
	}
	return resp.Diagnostics
}

// open opens an ephemeral resource and returns its attributes that are text.
func (u *unitServer) open(name string, attributes map[string]any) (map[string]string, []*tfprotov6.Diagnostic) {
	u.t.Helper()
	schema := u.schemas.EphemeralResourceSchemas[name]
	resp, err := u.server.OpenEphemeralResource(u.t.Context(), &tfprotov6.OpenEphemeralResourceRequest{
		TypeName: name, Config: u.value(schema, attributes),
	})
	if err != nil {
		u.t.Fatal(err)
	}
	if len(resp.Diagnostics) > 0 {
		return nil, resp.Diagnostics
	}
	value, err := resp.Result.Unmarshal(schema.ValueType())
	if err != nil {
		u.t.Fatal(err)
	}
	var all map[string]tftypes.Value
	if err := value.As(&all); err != nil {
		u.t.Fatal(err)
	}
	texts := map[string]string{}
	for attribute, v := range all {
		var text string
		if v.Type().Is(tftypes.String) && v.As(&text) == nil {
			texts[attribute] = text
		}
	}
	return texts, nil
}

// value is a block of the schema with these attributes, and null for the others.
func (u *unitServer) value(schema *tfprotov6.Schema, attributes map[string]any) *tfprotov6.DynamicValue {
	u.t.Helper()
	object, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		u.t.Fatal("the schema is no object")
	}
	dynamic, err := tfprotov6.NewDynamicValue(object, unitValue(object, attributes))
	if err != nil {
		u.t.Fatal(err)
	}
	return &dynamic
}

// unitUnknown stands for a value that is not known while planning.
const unitUnknown = "\x00unknown"

func unitValue(want tftypes.Type, given any) tftypes.Value {
	switch given := given.(type) {
	case map[string]any:
		if m, ok := want.(tftypes.Map); ok {
			elements := map[string]tftypes.Value{}
			for key, element := range given {
				elements[key] = unitValue(m.ElementType, element)
			}
			return tftypes.NewValue(want, elements)
		}
		object, ok := want.(tftypes.Object)
		if !ok {
			panic(fmt.Sprintf("an object is given for %s", want))
		}
		values := map[string]tftypes.Value{}
		for name, attribute := range object.AttributeTypes {
			values[name] = unitValue(attribute, given[name])
		}
		return tftypes.NewValue(want, values)
	case []any:
		list, ok := want.(tftypes.List)
		if !ok {
			panic(fmt.Sprintf("a list is given for %s", want))
		}
		elements := make([]tftypes.Value, len(given))
		for i, element := range given {
			elements[i] = unitValue(list.ElementType, element)
		}
		return tftypes.NewValue(want, elements)
	case map[string]string:
		elements := map[string]tftypes.Value{}
		for key, text := range given {
			elements[key] = unitValue(tftypes.String, text)
		}
		return tftypes.NewValue(want, elements)
	case []string:
		elements := make([]tftypes.Value, len(given))
		for i, text := range given {
			elements[i] = unitValue(tftypes.String, text)
		}
		return tftypes.NewValue(want, elements)
	case string:
		if given == unitUnknown {
			return tftypes.NewValue(want, tftypes.UnknownValue)
		}
	}
	return tftypes.NewValue(want, given)
}

// unitText is everything that diagnostics say, attribute paths included.
func unitText(diagnostics []*tfprotov6.Diagnostic) string {
	var out strings.Builder
	for _, d := range diagnostics {
		fmt.Fprintf(&out, "%s: %s [%s]\n%s\n", d.Severity, d.Summary, d.Attribute, d.Detail)
	}
	return out.String()
}

// unitExpect fails unless there is exactly one diagnostic, an error that says all
// of want, in its summary, its attribute or its detail.
func unitExpect(t *testing.T, diagnostics []*tfprotov6.Diagnostic, want ...string) {
	t.Helper()
	text := unitText(diagnostics)
	if len(diagnostics) != 1 || diagnostics[0].Severity != tfprotov6.DiagnosticSeverityError {
		t.Fatalf("want one error, got %d diagnostics:\n%s", len(diagnostics), text)
	}
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}

func TestCLIVersions(t *testing.T) {
	for version, accepted := range map[string]bool{
		"1.15.0":        true,
		"1.12.6":        true,
		"1.11.0":        true,
		"1.11.0-beta1":  true, // has write-only arguments already
		"":              true, // nothing is said, so nothing is known to be wrong
		"not a version": true,
		"1.10.5":        false,
		"1.10.0":        false, // OpenTofu's numbers mean the same
		"1.10.99-tofu":  false,
		"1.9.0":         false,
		"0.15.5":        false,
	} {
		t.Run(version, func(t *testing.T) {
			diagnostics := newUnitServer(t, nil).configure(version, nil)
			if accepted {
				if len(diagnostics) > 0 {
					t.Error(unitText(diagnostics))
				}
				return
			}
			unitExpect(t, diagnostics, "ERROR: Terraform is too old for ageenv []",
				"This is version "+version+", and ageenv needs Terraform 1.11 or OpenTofu 1.11, or later: "+
					"older versions have no write-only arguments, and would put secrets into the state. Upgrade the CLI.")
		})
	}
}

// unitWrapped is a person's identity, wrapped to an operator.
func unitWrapped(t *testing.T, p, operator person) string {
	t.Helper()
	wrapped, err := agekey.Wrap([]agekey.DatedIdentity{{Identity: p.identities(t)[0], CreatedAt: time.Now()}}, agekey.Recipients(operator.identities(t)))
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// hybridPerson holds a post-quantum key.
func hybridPerson(t *testing.T) person {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return person{identity: id.String(), recipient: id.Recipient().String()}
}
