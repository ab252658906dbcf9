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
	resp.Diagnostics.Append(plan.applyDigests(ctx, config, scriptModel{})...)
	if resp.Diagnostics.HasError() {
		return
	}
	var id agekey.Identity
	if plan.travels() {
		var known bool
		id, known, diags = r.settings.identity(ctx, config.WrappedWO, config.IdentityWO)
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(checkKnown(known)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	script, diags := plan.render(ctx, config, id)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	made, err := client.CreateScript(ctx, plan.Name.ValueString(), script)
	if err != nil {
		resp.Diagnostics.AddError(vultrFailed("creating the startup script", err))
		var e *vultr.Error
		if errors.Is(err, vultr.ErrOutcomeUnknown) && errors.As(err, &e) {
			resp.Diagnostics.Append(plan.pending(script, e).save(ctx, resp.Private)...)
			resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
			resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.ID)...)
		}
		return
	}
	if !made.CopiesSince.IsZero() {
		copies := search{Name: made.Name, SHA256: vultr.Digest(made.Body), Since: made.CopiesSince.UTC()}
		resp.Diagnostics.Append(copies.save(ctx, resp.Private)...)
	}
	if plan.DuplicateIDs = duplicateIDs(made.Left); len(made.Left) > 0 {
		resp.Diagnostics.AddWarning(duplicatesWarning(made.Left))
	}
	plan.ID = types.StringValue(made.ID)
	plan.DateCreated = types.StringValue(made.DateCreated)
	plan.DateModified = types.StringValue(made.DateModified)
	plan.uploaded(script, id)
	plan.applyScrub(scriptChange{inputs: true}, plan, r.settings.now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.ID)...)
}

func (r *scriptResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state scriptModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	client, diags := r.client()
	if diags.HasError() {
		// The refresh fails with the first error, and this state is as it was.
		resp.Diagnostics.Append(r.settings.once(diags)...)
		resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID)...)
		return
	}
	resp.Diagnostics.Append(r.readDuplicates(ctx, client, &state, req.Private, resp.Private)...)
	if resp.Diagnostics.HasError() {
		return
	}
	// Also where the script is gone: an identity is expected all the same.
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID)...)
	if state.isPending() {
		resp.State.RemoveResource(ctx)
		return
	}
	var found vultr.Script
	read := func(ctx context.Context) (err error) {
		found, err = client.GetScript(ctx, state.ID.ValueString())
		return err
	}
	err := client.WhenVisible(ctx, state.DateCreated.ValueString(), read)
	for duplicates := state.duplicates(ctx); errors.Is(err, vultr.ErrNotFound) && len(duplicates) > 0; duplicates = duplicates[1:] {
		// A copy takes its place: the state would forget it with the script.
		state.ID, state.DuplicateIDs = types.StringValue(duplicates[0]), duplicateIDs(duplicates[1:])
		err = read(ctx)
	}
	if errors.Is(err, vultr.ErrNotFound) {
		resp.Diagnostics.Append(state.missingWarning("It is created again, with a new ID."))
		resp.State.RemoveResource(ctx)
		return
	}
	if errors.Is(err, vultr.ErrUnauthorized) {
		diags.AddError(vultrFailed("reading the startup script", err))
		resp.Diagnostics.Append(r.settings.once(diags)...)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(vultrFailed("reading the startup script", err))
		return
	}
	state.Name = types.StringValue(found.Name)
	if state.RemoteSHA256 = types.StringValue(vultr.Digest(found.Body)); !found.IsBoot() {
		state.RemoteSHA256 = types.StringNull()
	}
	state.ScriptBytes = types.Int64Value(int64(found.Body.Len()))
	state.DateCreated = types.StringValue(found.DateCreated)
	state.DateModified = types.StringValue(found.DateModified)
	resp.Diagnostics.Append(noteMaker(ctx, found.Body, state, resp.Private)...)
	state.readScrub(r.settings.now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID)...)
}

func (r *scriptResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var config, plan, state scriptModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	client, diags := r.client()
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(plan.applyDigests(ctx, config, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	change, diags := r.change(ctx, config, plan, state, false)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.keepComputed(state)
	update, diags := plan.update(ctx, config, change, state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if change.uploads() {
		err := client.WhenVisible(ctx, state.DateCreated.ValueString(), func(ctx context.Context) error {
			return client.UpdateScript(ctx, state.ID.ValueString(), update)
		})
		if err != nil {
			resp.Diagnostics.AddError(vultrFailed("updating the startup script", err))
			return
		}
		switch {
		case change.render:
			plan.uploaded(*update.Body, change.identity)
		case change.placeholder:
			plan.setPlaceholder()
		}
		resp.Diagnostics.Append(plan.readDate(ctx, client)...)
	}
	plan.applyScrub(change, state, r.settings.now())
	if plan.DuplicateIDs.IsUnknown() {
		left, diags := deleteDuplicates(ctx, client, state.duplicates(ctx))
		resp.Diagnostics.Append(diags...)
		plan.DuplicateIDs = duplicateIDs(left)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.ID)...)
}

func (r *scriptResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state scriptModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	client, diags := r.client()
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	// Also what a refresh would have found.
	resp.Diagnostics.Append(r.readDuplicates(ctx, client, &state, req.Private, resp.Private)...)
	if resp.Diagnostics.HasError() {
		return
	}
	left, diags := deleteDuplicates(ctx, client, state.duplicates(ctx))
	if len(left) > 0 {
		// The state would forget them with the resource.
		for _, d := range diags {
			resp.Diagnostics.AddError(d.Summary(), d.Detail())
		}
		return
	}
	if state.isPending() {
		return
	}
	err := client.WhenVisible(ctx, state.DateCreated.ValueString(), func(ctx context.Context) error {
		return client.DeleteScript(ctx, state.ID.ValueString())
	})
	switch {
	case errors.Is(err, vultr.ErrNotFound):
		resp.Diagnostics.Append(state.missingWarning("The state forgets it."))
	case err != nil:
		resp.Diagnostics.AddError(vultrFailed("deleting the startup script", err))
	}
}

// update is what a change sends.
func (m *scriptModel) update(ctx context.Context, config scriptModel, change scriptChange, state scriptModel) (update vultr.ScriptUpdate, diags diag.Diagnostics) {
	if change.name {
		name := m.Name.ValueString()
		update.Name = &name
	}
	switch {
	case change.render:
		if diags = checkKnown(change.identityKnown); diags.HasError() {
			return update, diags
		}
		var script secret.Text
		if script, diags = m.render(ctx, config, change.identity); diags.HasError() {
			return update, diags
		}
		update.Body = &script
	case change.placeholder:
		body := vultr.Placeholder()
		update.Body = &body
	}
	update.Boot = update.Body != nil && state.RemoteSHA256.IsNull()
	return update, diags
}

// readDuplicates looks for what private state says, if it says anything. A script that
// had no ID gets one if it is found.
func (r *scriptResource) readDuplicates(ctx context.Context, client *vultr.Client, state *scriptModel, from, to privateState) diag.Diagnostics {
	if state.DuplicateIDs.IsNull() {
		state.DuplicateIDs = duplicateIDs(nil)
	}
	wanted, some, diags := loadSearch(ctx, from)
	if !some || diags.HasError() {
		return diags
	}
	ids, err := wanted.find(ctx, client, state.ID.ValueString())
	if err != nil {
		diags.AddError(vultrFailed("looking for copies of the startup script that a lost answer may have left", err))
		return diags
	}
	if state.isPending() && len(ids) > 0 {
		state.ID, ids = types.StringValue(ids[0]), ids[1:]
	}
	if state.DuplicateIDs = duplicateIDs(ids); len(ids) > 0 {
		diags.AddWarning(duplicatesWarning(ids))
	} else if r.settings.now().After(wanted.Since.Add(searchFor)) {
		diags.Append(forget(ctx, to)...)
	}
	return diags
}

func (r *scriptResource) client() (*vultr.Client, diag.Diagnostics) { return r.settings.knownVultr() }

// render makes the script of a plan whose values are all known.
func (m *scriptModel) render(ctx context.Context, config scriptModel, id agekey.Identity) (script secret.Text, diags diag.Diagnostics) {
	boot, _, diags := m.configured(ctx, config)
	diags.Append(checkCiphertexts(boot)...)
	if diags.HasError() {
		return script, diags
	}
	script, d := render(m.Name.ValueString(), boot, id)
	diags.Append(d...)
	return script, diags
}

// uploaded notes what the account holds now: digests, and whose identity is in it.
func (m *scriptModel) uploaded(script secret.Text, id agekey.Identity) {
	m.ScriptSHA256 = types.StringValue(vultr.Digest(script))
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
