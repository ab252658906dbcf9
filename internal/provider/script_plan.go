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
	plan.setDigests(ctx, config)
	plan.setWrappedDigest(config, state)
	boot, bootKnown, diags := plan.configured(ctx, config)
	resp.Diagnostics.Append(diags...)
	unmanaged := !create && plan.unmanaged(config, state)
	switch {
	case unmanaged:
		resp.Diagnostics.AddWarning(unmanagedWarning(state))
	case !plan.Files.IsUnknown():
		resp.Diagnostics.Append(checkFiles(boot)...)
	}
	if create { // else ValidateConfig has seen the configuration before ignore_changes took from it
		resp.Diagnostics.Append(checkIdentities(config)...)
	}
	change, diags := r.change(ctx, config, plan, state, create)
	resp.Diagnostics.Append(diags...)
	if create || change.uploads() {
		resp.Diagnostics.Append(r.settings.checkVultrKey(ctx)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if change.render {
		if resp.Diagnostics.Append(checkCiphertexts(boot)...); resp.Diagnostics.HasError() {
			return
		}
		resp.Diagnostics.Append(r.settings.unwrapWarning(ctx, config)...)
		resp.Diagnostics.Append(r.settings.plannedBundles.warnings(boot)...)
	}
	if change.render && change.identityKnown && bootKnown && !plan.Name.IsUnknown() {
		// Rendered for its errors and its size only: what is uploaded is made at apply.
		script, diags := render(plan.Name.ValueString(), boot, change.identity)
		resp.Diagnostics.Append(diags...)
		if !boot.travels() { // what travels is opened with its own identity, for render
			resp.Diagnostics.Append(checkLayouts(boot, agekey.WithoutPluginCalls(r.settings.keyring(ctx).Identities))...)
		}
		resp.Diagnostics.Append(scriptWarnings(boot, script)...)
	}
	if !create {
		plan.keepComputed(state)
		resp.Diagnostics.Append(scrubWarnings(change, state)...)
		resp.Diagnostics.Append(overwriteWarning(ctx, change, plan, state, req.Private)...)
	}
	plan.planScrub(change, state, create)
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
	if change.uploads() {
		plan.DateModified = types.StringUnknown()
	}
	if plan.DuplicateIDs = state.DuplicateIDs; create || len(state.duplicates(ctx)) > 0 {
		plan.DuplicateIDs = types.ListUnknown(types.StringType)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// configured is what a plan says to a box, with the ciphertexts of the configuration.
func (m *scriptModel) configured(ctx context.Context, config scriptModel) (bootValues, bool, diag.Diagnostics) {
	return m.boot(ctx, config.Files, ciphertextWO)
}

// scriptChange is what differs between a configuration and a state.
type scriptChange struct {
	inputs        bool // what the script is made of, or may: it is uploaded anew
	certain       bool // all of that is known
	render        bool // the script has to be made and uploaded, or may have to be
	scrub         bool // the time has come to scrub it, unless inputs differ
	placeholder   bool // the placeholder has to be uploaded
	recipient     bool // the identity is another one, or may be
	name          bool
	identity      agekey.Identity
	identityKnown bool
}

// uploads reports whether the API is to change something.
func (c scriptChange) uploads() bool { return c.render || c.placeholder || c.name }

// change finds out what differs. The identity is unwrapped only if the script has
// to be rendered or the wrap differs.
func (r *scriptResource) change(ctx context.Context, config, plan, state scriptModel, create bool) (c scriptChange, diags diag.Diagnostics) {
	_, bootKnown, _ := plan.configured(ctx, config)
	c.name = !plan.Name.Equal(state.Name)
	if !create && plan.unmanaged(config, state) {
		return scriptChange{name: c.name, certain: true, identityKnown: true}, diags
	}
	c.inputs = create || !plan.equalBoot(state.bootModel) || !sameTriggers(plan.UploadTriggers, state.UploadTriggers) || state.ScriptSHA256.IsNull()
	c.scrub = !c.inputs && state.ScrubDue.ValueBool() && plan.ScrubAfter.Equal(state.ScrubAfter)
	c.render = c.inputs || drifted(state) && !state.isScrubbed() && !c.scrub
	sameWrap := !create && plan.travels() && config.IdentityWO.IsNull() && plan.WrappedSHA256.Equal(state.WrappedSHA256) && !state.IdentityRecipient.IsNull()
	switch {
	case !plan.travels():
		c.identityKnown = true
		c.recipient = create || !state.IdentityRecipient.IsNull()
	case !sameWrap || c.render:
		if !create && !config.givesIdentity() {
			diags.AddError("The identity is not given", "The script has to be uploaded, and the state does not have its identity: remove wrapped_identity_wo and identity_wo, or all, from ignore_changes.")
			return c, diags
		}
		c.identity, c.identityKnown, diags = r.settings.identity(ctx, config.WrappedWO, config.IdentityWO)
		if diags.HasError() {
			return c, diags
		}
		if !c.identityKnown || c.identity.Recipient().String() != state.IdentityRecipient.ValueString() {
			c.recipient, c.inputs, c.render = true, true, true
		}
	}
	c.certain = bootKnown && fullyKnown(ctx, plan.UploadTriggers) && (c.identityKnown || sameWrap)
	c.placeholder = !c.render && (c.scrub || state.isScrubbed() && drifted(state))
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
