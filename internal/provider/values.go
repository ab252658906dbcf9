package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Models of resources are read and written here in place of the framework, which compiles a
// regular expression for each field of a struct each time: a tenth of a plan's CPU. A model
// is a struct of attribute values, each with the attribute's name in its tfsdk tag, and
// has all of the schema's attributes.

// modelSource is a configuration, a plan or a state.
type modelSource interface {
	Get(ctx context.Context, target any) diag.Diagnostics
}

// modelTarget is a plan or a state.
type modelTarget interface {
	Set(ctx context.Context, value any) diag.Diagnostics
}

// getModel reads a model.
func getModel(ctx context.Context, from modelSource, model any) diag.Diagnostics {
	var object types.Object
	diags := from.Get(ctx, &object)
	if diags.HasError() {
		return diags
	}
	attributes := object.Attributes()
	for field, value := range reflect.ValueOf(model).Elem().Fields() {
		attribute, there := attributes[field.Tag.Get("tfsdk")]
		if !there {
			panic(fmt.Sprintf("the schema has no attribute for %T.%s", model, field.Name))
		}
		value.Set(reflect.ValueOf(attribute))
	}
	return diags
}

// setModel writes a model.
func setModel(ctx context.Context, to modelTarget, model any) diag.Diagnostics {
	kinds, values := map[string]tftypes.Type{}, map[string]tftypes.Value{}
	for field, value := range reflect.ValueOf(model).Elem().Fields() {
		name := field.Tag.Get("tfsdk")
		attribute, _ := value.Interface().(attr.Value)
		terraform, err := attribute.ToTerraformValue(ctx)
		if err != nil {
			panic(fmt.Sprintf("%T.%s is no value", model, field.Name)) // only a value of a type of our own can fail
		}
		kinds[name], values[name] = terraform.Type(), terraform
	}
	return to.Set(ctx, tftypes.NewValue(tftypes.Object{AttributeTypes: kinds}, values))
}

// attributeValues returns the attributes of a model, in the order of its fields, those
// of embedded models too. A field that is added to a model is among them.
func attributeValues(model any) (values []attr.Value) {
	for _, field := range reflect.ValueOf(model).Fields() {
		if value, ok := field.Interface().(attr.Value); ok {
			values = append(values, value)
		} else {
			values = append(values, attributeValues(field.Interface())...)
		}
	}
	return values
}

// sameAttributes reports whether two values of one model have equal attributes.
func sameAttributes[M any](a, b M) bool {
	return slices.EqualFunc(attributeValues(a), attributeValues(b), attr.Value.Equal)
}

// fullyKnown reports whether a value and all that is in it is known.
func fullyKnown(ctx context.Context, value attr.Value) bool {
	terraform, err := value.ToTerraformValue(ctx)
	return err == nil && terraform.IsFullyKnown()
}

// objectReader reads the attributes of an object. Those of an unknown object are unknown.
type objectReader struct {
	attributes map[string]attr.Value
	unknown    bool
}

func readObject(value attr.Value) objectReader {
	object, ok := value.(types.Object)
	if !ok {
		return objectReader{}
	}
	return objectReader{object.Attributes(), object.IsUnknown()}
}

func (r objectReader) text(name string) types.String {
	if r.unknown {
		return types.StringUnknown()
	}
	text, _ := r.attributes[name].(types.String) // else null
	return text
}

func (r objectReader) truth(name string) types.Bool {
	if r.unknown {
		return types.BoolUnknown()
	}
	truth, _ := r.attributes[name].(types.Bool) // else null
	return truth
}

// texts are the values of a named type of text.
func texts[T ~string](values []T) (out []string) {
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// textList is the texts as a Terraform list.
func textList(texts []string) types.List {
	elements := make([]attr.Value, len(texts))
	for i, text := range texts {
		elements[i] = types.StringValue(text)
	}
	return types.ListValueMust(types.StringType, elements)
}

func listOrNull(texts []string) types.List {
	if texts == nil {
		return types.ListNull(types.StringType)
	}
	return textList(texts)
}

// orElse is for what has no default in a data source's schema.
func orElse(text types.String, otherwise string) string {
	if text.IsNull() {
		return otherwise
	}
	return text.ValueString()
}

// timeOf reads a time of the state; it reports false where there is none.
func timeOf(text types.String) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, text.ValueString())
	return at, err == nil
}

// timeText is a time as the state has it.
func timeText(at time.Time) types.String { return types.StringValue(at.UTC().Format(time.RFC3339)) }

// knownTime is a time as the state has it, null if it is not known.
func knownTime(at time.Time) types.String {
	if at.IsZero() {
		return types.StringNull()
	}
	return timeText(at)
}

// newID returns a random ID of 26 letters and digits.
func newID() string { return rand.Text() }

// digest is the SHA-256 of a text, hex.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// valuesOf returns the texts of a list whose elements are known.
func valuesOf(elements []types.String) (texts []string) {
	for _, element := range elements {
		texts = append(texts, element.ValueString())
	}
	return texts
}
