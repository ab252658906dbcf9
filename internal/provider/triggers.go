package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// present returns the values that are not null. Unknown ones are among them.
func present(triggers types.Map) map[string]attr.Value {
	values := map[string]attr.Value{}
	for key, value := range triggers.Elements() {
		if !value.IsNull() {
			values[key] = value
		}
	}
	return values
}

// sameTriggers reports whether two maps are known and have the same values, nulls
// aside.
func sameTriggers(a, b types.Map) bool {
	if a.IsUnknown() || b.IsUnknown() {
		return false
	}
	before, after := present(a), present(b)
	if len(before) != len(after) {
		return false
	}
	for key, value := range before {
		if value.IsUnknown() || !value.Equal(after[key]) {
			return false
		}
	}
	return true
}

// nullIsAbsent plans no change where only null values come or go. Terraform allows
// that unless one of the maps is null itself.
func nullIsAbsent() planmodifier.Map { return absentNulls{} }

type absentNulls struct{}

func (absentNulls) Description(context.Context) string { return nullRule }

func (absentNulls) MarkdownDescription(context.Context) string { return nullRule }

func (absentNulls) PlanModifyMap(_ context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if !req.StateValue.IsNull() && !req.PlanValue.IsNull() && sameTriggers(req.StateValue, req.PlanValue) {
		resp.PlanValue = req.StateValue
	}
}

// replaceOnChange replaces the resource when a value of the map changes. What was
// null and is set for the first time replaces nothing.
func replaceOnChange() planmodifier.Map {
	return mapplanmodifier.RequiresReplaceIf(func(_ context.Context, req planmodifier.MapRequest, resp *mapplanmodifier.RequiresReplaceIfFuncResponse) {
		if req.StateValue.IsNull() {
			return
		}
		if req.PlanValue.IsUnknown() {
			resp.RequiresReplace = true
			return
		}
		was, after := req.StateValue.Elements(), present(req.PlanValue)
		for key, value := range present(req.StateValue) {
			if !value.Equal(after[key]) {
				resp.RequiresReplace = true
			}
		}
		for key := range after {
			if _, noted := was[key]; !noted {
				resp.RequiresReplace = true
			}
		}
	}, "Replaces on change", "Replaces the resource: "+replaceRule)
}
