package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
)

const replaceRule = "a value that changes, is added or is removed replaces it; a map or a value that was null and is set for the first time is only noted, so that adopting it after an import replaces nothing"

// replaceOnChange replaces the resource when a value of the map changes. What was
// null and is set for the first time replaces nothing.
func replaceOnChange() planmodifier.Map {
	return mapplanmodifier.RequiresReplaceIf(func(_ context.Context, req planmodifier.MapRequest, resp *mapplanmodifier.RequiresReplaceIfFuncResponse) {
		if req.StateValue.IsNull() {
			return
		}
		if req.PlanValue.IsUnknown() || req.PlanValue.IsNull() {
			resp.RequiresReplace = true
			return
		}
		before, after := req.StateValue.Elements(), req.PlanValue.Elements()
		for key, was := range before {
			is, ok := after[key]
			if !ok || !was.IsNull() && !was.Equal(is) {
				resp.RequiresReplace = true
			}
		}
		for key := range after {
			if _, ok := before[key]; !ok {
				resp.RequiresReplace = true
			}
		}
	}, "Replaces on change", "Replaces the resource: "+replaceRule+".")
}
