package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

func (r *scriptResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var config, plan scriptModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	client, diags := r.client()
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	var id agekey.Identity
	if plan.travels() {
		var known bool
		id, known, diags = r.settings.identity(ctx, plan.WrappedIdentity, config.IdentityWO)
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(checkKnown(known)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	script, diags := plan.render(ctx, id)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	made, err := client.CreateScript(ctx, plan.Name.ValueString(), script)
	if err != nil {
		resp.Diagnostics.AddError(vultrFailed("creating the startup script", err))
		return
	}
	plan.ID = types.StringValue(made.ID)
	plan.DateCreated = types.StringValue(made.DateCreated)
	plan.DateModified = types.StringValue(made.DateModified)
	plan.uploaded(script, id)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (r *scriptResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state scriptModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	client, diags := r.client()
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	found, err := client.GetScript(ctx, state.ID.ValueString())
	if errors.Is(err, vultr.ErrNotFound) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(vultrFailed("reading the startup script", err))
		return
	}
	state.Name = types.StringValue(found.Name)
	state.RemoteSHA256 = types.StringValue(digest(found.Body.Reveal()))
	state.ScriptBytes = types.Int64Value(int64(found.Body.Len()))
	state.DateCreated = types.StringValue(found.DateCreated)
	state.DateModified = types.StringValue(found.DateModified)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func (r *scriptResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var config, plan, state scriptModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	client, diags := r.client()
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	change, diags := r.change(ctx, config, plan, state, false)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.keepComputed(state)
	var update vultr.ScriptUpdate
	if change.name {
		name := plan.Name.ValueString()
		update.Name = &name
	}
	if change.render {
		resp.Diagnostics.Append(checkKnown(change.identityKnown)...)
		if resp.Diagnostics.HasError() {
			return
		}
		script, diags := plan.render(ctx, change.identity)
		resp.Diagnostics.Append(diags...)
		if resp.Diagnostics.HasError() {
			return
		}
		update.Body = &script
	}
	if change.name || change.render {
		if err := client.UpdateScript(ctx, state.ID.ValueString(), update); err != nil {
			resp.Diagnostics.AddError(vultrFailed("updating the startup script", err))
			return
		}
		if update.Body != nil {
			plan.uploaded(*update.Body, change.identity)
		}
		resp.Diagnostics.Append(plan.readDate(ctx, client)...)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (r *scriptResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state scriptModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	client, diags := r.client()
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := client.DeleteScript(ctx, state.ID.ValueString()); err != nil {
		resp.Diagnostics.AddError(vultrFailed("deleting the startup script", err))
	}
}

// client is the Vultr client, where it has to be known by now.
func (r *scriptResource) client() (*vultr.Client, diag.Diagnostics) {
	client, known, diags := r.settings.vultr()
	if !known {
		diags.AddError("Vultr is not configured yet", "A value in vultr = {…} of the provider's configuration is not known. Apply what it comes from first, with -target.")
	}
	return client, diags
}

func checkKnown(known bool) (diags diag.Diagnostics) {
	if !known {
		diags.AddAttributeError(wrappedPath, "The identity is not known", "What unwraps it is not known even now: give an identity in the provider's configuration that does not depend on this apply.")
	}
	return diags
}

// render makes the script of a plan whose values are all known.
func (m *scriptModel) render(ctx context.Context, id agekey.Identity) (script secret.Text, diags diag.Diagnostics) {
	boot, _, diags := m.boot(ctx)
	if diags.HasError() {
		return script, diags
	}
	script, d := render(m.Name.ValueString(), boot, id)
	diags.Append(d...)
	return script, diags
}

// uploaded notes what the account holds now: digests, and whose identity is in it.
func (m *scriptModel) uploaded(script secret.Text, id agekey.Identity) {
	m.ScriptSHA256 = types.StringValue(digest(script.Reveal()))
	m.RemoteSHA256 = m.ScriptSHA256
	m.ScriptBytes = types.Int64Value(int64(script.Len()))
	m.TemplateVersion = types.StringValue(firstboot.TemplateVersion)
	m.IdentityRecipient = types.StringNull()
	if m.travels() {
		m.IdentityRecipient = types.StringValue(id.Recipient().String())
	}
}

// readDate asks for the new modification date, which the answer to an update does
// not have. That it can't be had is no failure of the update: the old date stays.
func (m *scriptModel) readDate(ctx context.Context, client *vultr.Client) (diags diag.Diagnostics) {
	found, err := client.GetScript(ctx, m.ID.ValueString())
	if err != nil {
		diags.AddWarning("The script was updated, and its new date can't be read", sentence(err)+" The next refresh reads it.")
		return diags
	}
	m.DateModified = types.StringValue(found.DateModified)
	return diags
}
