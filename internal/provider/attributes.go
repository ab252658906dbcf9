package provider

import (
	"context"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
)

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

// notPrinted is part of the description of every attribute that holds a ciphertext,
// so that a plan shows what changes and not pages of armor.
func notPrinted(reference string) string {
	return "It is encrypted, and marked sensitive only so that a plan does not print it: `nonsensitive(" + reference + ")` shows it, and an output with `sensitive = true` gives it to `terraform output -raw`."
}
