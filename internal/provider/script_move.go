package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// vultrScriptModel is the part of vultr_startup_script's state that is taken over. The
// script's text is not: it may hold anything, and is read from the account instead.
type vultrScriptModel struct {
	ID           types.String `tfsdk:"id"`
	Name         types.String `tfsdk:"name"`
	DateCreated  types.String `tfsdk:"date_created"`
	DateModified types.String `tfsdk:"date_modified"`
}

// MoveState takes over resources of Vultr's own provider, by a moved block. The script
// keeps its ID.
func (r *scriptResource) MoveState(context.Context) []resource.StateMover {
	source := schema.Schema{Attributes: map[string]schema.Attribute{}}
	for _, name := range []string{"id", "name", "date_created", "date_modified"} {
		source.Attributes[name] = schema.StringAttribute{Computed: true}
	}
	return []resource.StateMover{{SourceSchema: &source, StateMover: r.moveVultrScript}}
}

func (r *scriptResource) moveVultrScript(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
	// The host differs between Terraform, OpenTofu and mirrors.
	if req.SourceTypeName != "vultr_startup_script" || !strings.HasSuffix(req.SourceProviderAddress, "/vultr/vultr") || req.SourceState == nil {
		return
	}
	var source vultrScriptModel
	resp.Diagnostics.Append(req.SourceState.Get(ctx, &source)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := vultr.ValidID(source.ID.ValueString()); err != nil {
		resp.Diagnostics.AddError("The script can't be moved", "The state of vultr_startup_script has no valid ID. "+sentence(err))
		return
	}
	for name, value := range map[string]types.String{"id": source.ID, "name": source.Name, "date_created": source.DateCreated, "date_modified": source.DateModified} {
		resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root(name), value)...)
	}
	resp.Diagnostics.Append(setIdentity(ctx, resp.TargetIdentity, source.ID)...)
}
