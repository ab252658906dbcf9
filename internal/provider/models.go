package provider

import (
	"context"
	"fmt"
	"reflect"

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
