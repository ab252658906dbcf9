package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// oneOf validates and describes with the same list.
func oneOf[T ~string](values []T) (names []string, check []validator.String) {
	names = texts(values)
	return names, []validator.String{stringvalidator.OneOf(names...)}
}

// exactlyOneOf is the validation of a pair of alternatives.
func exactlyOneOf(other string) []validator.String {
	return []validator.String{stringvalidator.ExactlyOneOf(path.MatchRoot(other))}
}

// checkedBy validates a text with a check of a package below.
type checkedBy struct {
	check func(string) error
}

func (checkedBy) Description(context.Context) string { return "must be usable on the box" }

func (checkedBy) MarkdownDescription(context.Context) string { return "must be usable on the box" }

func (v checkedBy) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.check(req.ConfigValue.ValueString()); err != nil {
		// The path is in the text too: Terraform shows no source for what is inside a list.
		resp.Diagnostics.AddAttributeError(req.Path, "Unusable value", req.Path.String()+" "+sentenceTail(err))
	}
}

// checkedPairs checks each key and its value.
type checkedPairs struct{ check func(key, value string) error }

func (checkedPairs) Description(context.Context) string {
	return "keys and values that Kubernetes takes"
}

func (c checkedPairs) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

func (c checkedPairs) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	for key, element := range req.ConfigValue.Elements() {
		value, ok := element.(basetypes.StringValue)
		if !ok || value.IsNull() || value.IsUnknown() {
			value = types.StringValue("")
		}
		if err := c.check(key, value.ValueString()); err != nil {
			resp.Diagnostics.AddAttributeError(req.Path, "Not a key and a value that Kubernetes takes", req.Path.String()+": "+shortened(key)+": "+sentenceTail(err))
		}
	}
}
