package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

func (r *keyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var config, plan keyModel
	resp.Diagnostics.Append(getModel(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(getModel(ctx, req.Plan, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.EscrowRecipients.IsUnknown() {
		resp.Diagnostics.Append(r.setEscrow(ctx, &plan, config, keyModel{})...)
	}
	id, err := keyAlgorithm(plan.Algorithm.ValueString()).generate()
	if err != nil {
		resp.Diagnostics.AddError("No key could be made", sentence(err))
		return
	}
	now := r.settings.now()
	resp.Diagnostics.Append(plan.hold(ctx, agekey.DatedIdentity{Identity: id, CreatedAt: now}, now)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.ID)...)
}

// Read checks the wrap where it can be opened, and looks at the clock.
func (r *keyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state keyModel
	resp.Diagnostics.Append(getModel(ctx, req.State, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.checkWrap(ctx, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	generations := state.history()
	due := state.dueAt(generations, r.settings.now())
	state.RotationDue = types.BoolValue(due.Rotation)
	state.setRetiring(generations[1:], due.Retired)
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &state)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID)...)
}

func (r *keyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var config, plan, state keyModel
	resp.Diagnostics.Append(getModel(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(getModel(ctx, req.Plan, &plan)...)
	resp.Diagnostics.Append(getModel(ctx, req.State, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.EscrowRecipients.IsUnknown() {
		resp.Diagnostics.Append(r.setEscrow(ctx, &plan, config, state)...)
	}
	resp.Diagnostics.Append(r.update(ctx, &plan, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.ID)...)
}

// Delete forgets the key: it is nowhere but in the state.
func (r *keyResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// hold fills the model with an identity that is new to it, wrapped to the model's
// escrow recipients.
func (m *keyModel) hold(ctx context.Context, made agekey.DatedIdentity, now time.Time) (diags diag.Diagnostics) {
	m.ID = types.StringValue(newID())
	m.Generation = types.Int64Value(1)
	m.OperatorRemovedAt = types.StringNull()
	return m.wrap(ctx, []agekey.DatedIdentity{made}, []rotation.Generation{generationOf(made)}, now)
}

func generationOf(made agekey.DatedIdentity) rotation.Generation {
	return rotation.Generation{Recipient: made.Identity.Recipient().String(), CreatedAt: made.CreatedAt}
}

// wrap seals the live identities, the current one first, and puts what follows from
// them.
func (m *keyModel) wrap(ctx context.Context, made []agekey.DatedIdentity, generations []rotation.Generation, now time.Time) diag.Diagnostics {
	escrow, _, diags := recipientSet(ctx, m.EscrowRecipients, escrowPath)
	diags.Append(checkEscrow(escrow)...)
	if diags.HasError() {
		return diags
	}
	wrapped, err := agekey.Wrap(made, escrow)
	if err != nil {
		diags.AddAttributeError(escrowPath, "The identity can't be wrapped", sentence(err))
		return diags
	}
	m.WrappedIdentity = types.StringValue(wrapped)
	m.Recipient, m.CreatedAt = types.StringValue(generations[0].Recipient), knownTime(generations[0].CreatedAt)
	m.setHistory(generations) // none of them is due until the next refresh
	m.setSchedule()
	m.RotationDue = types.BoolValue(m.dueAt(generations, now).Rotation)
	return diags
}

// update fills the plan: rotated, without what is retired, wrapped anew, or as it
// was.
func (r *keyResource) update(ctx context.Context, plan *keyModel, state keyModel) (diags diag.Diagnostics) {
	before, _, _ := recipientSet(ctx, state.EscrowRecipients, escrowPath)
	after, _, d := recipientSet(ctx, plan.EscrowRecipients, escrowPath)
	diags.Append(d...)
	operators := agekey.Compare(before, after)
	change := plan.change(state, !operators.IsEmpty())
	if diags.HasError() {
		return diags
	}
	now := r.settings.now()
	plan.OperatorRemovedAt = state.OperatorRemovedAt
	if len(operators.Removed) > 0 {
		plan.OperatorRemovedAt = timeText(now)
	}
	if !change.Wrap {
		plan.keepWrap(state)
		if plan.RotationDue.IsUnknown() {
			plan.RotationDue = types.BoolValue(plan.dueAt(change.Kept, now).Rotation)
		}
		return diags
	}
	diags.Append(r.rewrap(ctx, plan, state, change, now)...)
	return diags
}

// keepWrap puts back the identities that are there.
func (m *keyModel) keepWrap(state keyModel) {
	m.WrappedIdentity, m.CreatedAt = state.WrappedIdentity, state.CreatedAt
	m.Recipient, m.Recipients = state.Recipient, state.Recipients
	m.Generation, m.Retiring = state.Generation, state.Retiring
	m.setSchedule()
}

// rewrap wraps the identities that stay, and the new one of a rotation.
func (r *keyResource) rewrap(ctx context.Context, plan *keyModel, state keyModel, change rotation.KeyChange, now time.Time) (diags diag.Diagnostics) {
	made, diags := r.held(ctx, state, change)
	if diags.HasError() {
		return diags
	}
	var fresh rotation.Generation
	if change.Rotate {
		id, err := keyAlgorithm(plan.Algorithm.ValueString()).generate()
		if err != nil {
			diags.AddError("No key could be made", sentence(err))
			return diags
		}
		current := agekey.DatedIdentity{Identity: id, CreatedAt: now}
		made, fresh = append([]agekey.DatedIdentity{current}, made...), generationOf(current)
		plan.Generation = types.Int64Value(state.Generation.ValueInt64() + 1)
	}
	planned := *plan
	diags.Append(plan.wrap(ctx, made, change.Generations(fresh), now)...)
	// What the plan said of it holds until the next refresh.
	if !planned.RotationDue.IsUnknown() {
		plan.RotationDue = planned.RotationDue
	}
	return diags
}

// held unwraps the identities of the generations that a change keeps, in their order.
func (r *keyResource) held(ctx context.Context, state keyModel, change rotation.KeyChange) (made []agekey.DatedIdentity, diags diag.Diagnostics) {
	if !change.Unwraps() {
		return nil, diags
	}
	ring := r.settings.keyring(ctx)
	ids, err := agekey.Unwrap(state.WrappedIdentity.ValueString(), ring.Identities)
	if err != nil {
		diags.AddAttributeError(escrowPath, "The key can't be encrypted again", openFailed("The wrapped identity", err, ring, ""))
		return nil, diags
	}
	byRecipient := map[string]agekey.Identity{}
	for _, id := range ids {
		byRecipient[id.Recipient().String()] = id
	}
	for _, g := range change.Kept {
		id, ok := byRecipient[g.Recipient]
		if !ok {
			diags.AddAttributeError(escrowPath, "The wrapped identity is another key's",
				"It holds no identity of "+g.Recipient+": the state was altered. Restore the state from a backup. Or make a new key: "+newKeyRemedy)
			return nil, diags
		}
		made = append(made, agekey.DatedIdentity{Identity: id, CreatedAt: g.CreatedAt})
	}
	return made, diags
}
