package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// A private key in the wrong argument is refused here, before the framework sees
// the request: its validators quote values, its log shows paths with map keys and
// set elements in them, and what it plans is stored. The rule holds for every text
// of every request, so a new attribute can't escape it. It costs a search for a few
// bytes: only where they are found is a request decoded.

// takesKeys are the arguments that may hold private keys, by what they belong to.
// Each of them is write-only, ephemeral or sensitive in the provider's
// configuration. The values of entries may be keys of whatever the box runs; their
// names may not.
var takesKeys = map[string][]string{
	"the provider's configuration": {"identities"},
	"ageenv_bundle":                {"entries_wo", "dotenv_wo"},
	"ageenv_vultr_startup_script":  {"identity_wo"},
	"ephemeral ageenv_bundle":      {"identity"},
	"ephemeral ageenv_dotenv":      {"text"},
}

const providerConfig = "the provider's configuration"

// refuse reports the arguments that hold a private key and may not. The config is a
// block's; of names it in messages and in takesKeys.
func (s keyRefuser) refuse(ctx context.Context, of string, config *tfprotov6.DynamicValue, schema func(*tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema) []*tfprotov6.Diagnostic {
	if !mayHoldKey(config) {
		return nil
	}
	schemas, err := s.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || schema(schemas) == nil {
		return nil // the framework says what is wrong with the request
	}
	value, err := config.Unmarshal(schema(schemas).ValueType())
	if err != nil {
		return nil // as above
	}
	var found []*tfprotov6.Diagnostic
	for _, place := range placesOfKeys(value, "", takesKeys[of]) {
		found = append(found, refusedKey(of, place))
	}
	return found
}

// mayHoldKey looks at the bytes of a value. Both of its encodings hold texts as they
// are, but for what JSON escapes.
func mayHoldKey(value *tfprotov6.DynamicValue) bool {
	return value != nil && (len(value.JSON) > 0 || agekey.ContainsPrivateKey(string(value.MsgPack)))
}

// placesOfKeys are the arguments below a value that hold a private key, as a person
// writes them. Of the arguments that take keys, only the names in a map are searched.
func placesOfKeys(value tftypes.Value, place string, taken []string) (places []string) {
	if !value.IsKnown() || value.IsNull() {
		return nil
	}
	takes := slices.Contains(taken, place)
	switch t := value.Type(); {
	case t.Is(tftypes.String):
		var text string
		if value.As(&text) == nil && !takes && agekey.ContainsPrivateKey(text) {
			places = append(places, place)
		}
	case t.Is(tftypes.Object{}), t.Is(tftypes.Map{}):
		var members map[string]tftypes.Value
		_ = value.As(&members) // its type has just been seen
		isMap := t.Is(tftypes.Map{})
		for name, member := range members {
			at := strings.TrimPrefix(place+"."+name, ".")
			switch {
			case isMap && agekey.ContainsPrivateKey(name):
				places = append(places, "a name in "+place)
				continue // a place in it would show the name
			case isMap && takes:
				continue
			case isMap:
				at = fmt.Sprintf("%s[%q]", place, name)
			}
			places = append(places, placesOfKeys(member, at, taken)...)
		}
		slices.Sort(places)
	default:
		var elements []tftypes.Value
		if takes || value.As(&elements) != nil {
			return nil // a number or a truth value
		}
		for i, element := range elements {
			at := fmt.Sprintf("%s[%d]", place, i)
			if t.Is(tftypes.Set{}) {
				at = place // its elements have no order
			}
			places = append(places, placesOfKeys(element, at, taken)...)
		}
	}
	return slices.Compact(places)
}

// refusedKey has no attribute: Terraform would print the line of the configuration
// that the attribute is in, key and all.
func refusedKey(of, place string) *tfprotov6.Diagnostic {
	d := &tfprotov6.Diagnostic{
		Severity: tfprotov6.DiagnosticSeverityError,
		Summary:  "Private key in the wrong place",
		Detail: fmt.Sprintf("In %s: this looks like a private key (an age identity, or an SSH or PEM key), and %s does not take one. The provider did not use it. ", place, of) +
			keysBelong,
	}
	if strings.HasSuffix(strings.TrimPrefix(place, "a name in "), "recipients") {
		d.Summary, d.Detail = "Private key where a recipient belongs", fmt.Sprintf("In %s: %s", place, sentence(agekey.ErrPrivateKey))
	}
	return d
}

const keysBelong = "If it was meant for an operator: give the path of its file in identity_files of the provider, or the key itself in identities or SOPS_AGE_KEY. " +
	"If a box needs it: identity_wo of a startup script, or the value of an entry in entries_wo or dotenv_wo. " +
	"Treat the key as leaked if it was saved or committed like this. Terraform itself may have printed it: a line of the configuration, or an argument of a function, above this error."
