package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

func (r *scriptResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.settings == nil {
		return
	}
	var config, plan, state scriptModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	create := req.State.Raw.IsNull()
	if !create {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	_, _, diags := r.settings.vultr()
	resp.Diagnostics.Append(diags...)
	boot, bootKnown, diags := plan.boot(ctx)
	resp.Diagnostics.Append(diags...)
	if !plan.Files.IsUnknown() {
		resp.Diagnostics.Append(checkFiles(boot.files)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}

	change, diags := r.change(ctx, config, plan, state, create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if change.render && change.identityKnown && bootKnown && !plan.Name.IsUnknown() {
		// Rendered for its errors and its size only: what is uploaded is made at apply.
		script, diags := render(plan.Name.ValueString(), boot, change.identity)
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(scriptWarnings(boot, script)...)
	}
	if !create {
		plan.keepComputed(state)
	}
	if change.render {
		plan.ScriptSHA256, plan.RemoteSHA256 = types.StringUnknown(), types.StringUnknown()
		plan.ScriptBytes, plan.TemplateVersion = types.Int64Unknown(), types.StringUnknown()
	}
	if change.recipient {
		plan.IdentityRecipient = types.StringUnknown()
		if !plan.travels() && bootKnown {
			plan.IdentityRecipient = types.StringNull()
		}
	}
	if change.render || change.name {
		plan.DateModified = types.StringUnknown()
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// scriptChange is what differs between a configuration and a state.
type scriptChange struct {
	render        bool // the script has to be made and uploaded, or may have to be
	recipient     bool // the identity is another one, or may be
	name          bool
	identity      agekey.Identity
	identityKnown bool
}

// change finds out what differs. The identity is unwrapped only if the script has
// to be rendered or the wrap differs.
func (r *scriptResource) change(ctx context.Context, config, plan, state scriptModel, create bool) (c scriptChange, diags diag.Diagnostics) {
	c.name = !plan.Name.Equal(state.Name)
	c.render = create || !plan.equalBoot(state.bootModel) || drifted(state)
	sameWrap := !create && plan.travels() && config.IdentityWO.IsNull() && plan.WrappedIdentity.Equal(state.WrappedIdentity) && !state.IdentityRecipient.IsNull()
	if sameWrap && !c.render {
		return c, diags
	}
	if !plan.travels() {
		c.identityKnown = true
		c.recipient = create || !state.IdentityRecipient.IsNull()
		return c, diags
	}
	c.identity, c.identityKnown, diags = r.settings.identity(ctx, plan.WrappedIdentity, config.IdentityWO)
	if diags.HasError() {
		return c, diags
	}
	if !c.identityKnown || c.identity.Recipient().String() != state.IdentityRecipient.ValueString() {
		c.recipient, c.render = true, true
	}
	return c, diags
}

// drifted reports whether the account holds something else than was uploaded;
// after an import, nothing is known to have been.
func drifted(state scriptModel) bool {
	return state.ScriptSHA256.IsNull() || !state.ScriptSHA256.Equal(state.RemoteSHA256)
}

// keepComputed plans the computed attributes as they are.
func (m *scriptModel) keepComputed(state scriptModel) {
	m.ID, m.IdentityRecipient = state.ID, state.IdentityRecipient
	m.ScriptSHA256, m.RemoteSHA256 = state.ScriptSHA256, state.RemoteSHA256
	m.ScriptBytes, m.TemplateVersion = state.ScriptBytes, state.TemplateVersion
	m.DateCreated, m.DateModified = state.DateCreated, state.DateModified
}
