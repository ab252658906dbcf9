package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

// ModifyPlan reads no clock: it goes by what the last Read found due.
func (r *keyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var config, plan, state keyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	create := req.State.Raw.IsNull()
	if !create {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() || r.settings == nil {
		return
	}
	resp.Diagnostics.Append(r.setEscrow(ctx, &plan, config, state)...)
	escrow, known, diags := recipientSet(ctx, plan.EscrowRecipients, escrowPath)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if known {
		resp.Diagnostics.Append(checkEscrow(escrow)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if create {
		plan.OperatorRemovedAt = types.StringNull()
	} else {
		// Read does so too; here for a plan with -refresh=false.
		resp.Diagnostics.Append(r.checkWrap(ctx, state)...)
		if resp.Diagnostics.HasError() {
			return
		}
		resp.Diagnostics.Append(r.planUpdate(ctx, &plan, state, escrow, known)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// setEscrow puts the operators. The state is the zero model where there is none.
func (r *keyResource) setEscrow(ctx context.Context, plan *keyModel, config, state keyModel) (diags diag.Diagnostics) {
	plan.EscrowRecipients, diags = r.settings.operatorsOf(ctx, escrowPath, config.EscrowRecipients, state.EscrowRecipients)
	return diags
}

// planUpdate plans what changes of a key that is there.
func (r *keyResource) planUpdate(ctx context.Context, plan *keyModel, state keyModel, escrow []agekey.Recipient, known bool) (diags diag.Diagnostics) {
	if !plan.RotationDays.Equal(state.RotationDays) {
		plan.setSchedule()
		plan.RotationDue = types.BoolUnknown()
	}
	before, _, _ := recipientSet(ctx, state.EscrowRecipients, escrowPath)
	operators := agekey.Compare(before, escrow)
	change, d := plan.change(ctx, state, known && !operators.IsEmpty())
	diags.Append(d...)
	diags.Append(plan.planChange(ctx, change, state)...)
	plan.OperatorRemovedAt = state.OperatorRemovedAt
	if !plan.EscrowRecipients.Equal(state.EscrowRecipients) {
		// Unknown even where the same recipients are only written otherwise: what is
		// unknown now may turn out to be anything.
		plan.WrappedIdentity = types.StringUnknown()
		if known && !operators.IsEmpty() {
			diags.Append(keyOperatorsWarning(operators, r.settings.locksOut(ctx, escrow)))
		}
		if !known || len(operators.Removed) > 0 {
			plan.OperatorRemovedAt = types.StringUnknown()
		}
	}
	if change.Unwraps() {
		diags.Append(r.checkUnwraps(ctx, state)...)
	}
	return diags
}

// change decides what an apply of the plan does with the key. rewrap reports whether
// the operators differ.
func (m *keyModel) change(ctx context.Context, state keyModel, rewrap bool) (rotation.KeyChange, diag.Diagnostics) {
	generations, diags := state.history(ctx)
	return rotation.DecideKey(generations, state.due(), rotation.KeyWanted{GraceDays: m.GraceDays.ValueInt64(), Rewrap: rewrap}), diags
}

// planChange marks what a rotation and the end of grace periods change.
func (m *keyModel) planChange(ctx context.Context, change rotation.KeyChange, state keyModel) (diags diag.Diagnostics) {
	switch {
	case change.Rotate:
		m.planRotation(state)
		diags.Append(rotationReason(m, state))
	case len(change.Retired) > 0:
		diags.Append(m.setHistory(ctx, change.Generations(rotation.Generation{}))...)
		m.WrappedIdentity, m.RetirementDue = types.StringUnknown(), textList(nil)
	}
	return diags
}

// planRotation marks what a rotation in place changes.
func (m *keyModel) planRotation(state keyModel) {
	m.Recipient, m.WrappedIdentity = types.StringUnknown(), types.StringUnknown()
	m.Recipients, m.Generations = types.ListUnknown(types.StringType), types.ListUnknown(generationType)
	m.Generation = types.Int64Value(state.Generation.ValueInt64() + 1)
	m.CreatedAt = types.StringUnknown()
	m.setSchedule()
	m.RotationDue, m.RetirementDue = types.BoolValue(false), textList(nil)
}

// rotationReason tells why a key changes though nothing was edited.
func rotationReason(plan *keyModel, state keyModel) diag.Diagnostic {
	grace := "It is given up at once: no grace_days are set."
	if days := plan.GraceDays.ValueInt64(); days > 0 {
		grace = fmt.Sprintf("It stays in recipients for its grace period of %d days.", days)
	}
	return diag.NewAttributeWarningDiagnostic(rotateAtPath, "The key is due for rotation",
		fmt.Sprintf("It was due at %s (rotation_days after created_at), so this plan makes a new identity in place, and what is wired to the key follows. The identity so far was %s. %s",
			state.RotateAt.ValueString(), state.Recipient.ValueString(), grace))
}

func checkEscrow(escrow []agekey.Recipient) (diags diag.Diagnostics) {
	if len(escrow) == 0 {
		diags.AddAttributeError(escrowPath, "No escrow recipient", fmt.Sprintf(noOperatorsDetail, "escrow_recipients"))
	} else if err := agekey.CheckTogether(escrow); err != nil {
		diags.AddAttributeError(escrowPath, "Recipients can't be mixed", sentence(err))
	}
	return diags
}

// newKeyRemedy makes a new key where the old one stops every plan. With -replace
// Terraform plans the old one first, and stops there.
const newKeyRemedy = "remove this key from the state with terraform state rm, then apply."

// checkUnwraps is an error if the wrap can't be opened here and no identity is
// still to come.
func (r *keyResource) checkUnwraps(ctx context.Context, state keyModel) (diags diag.Diagnostics) {
	ring := r.settings.keyring(ctx)
	if _, err := agekey.Open(state.WrappedIdentity.ValueString(), ring.Identities); err != nil && !r.settings.identitiesUnknown {
		diags.AddAttributeError(escrowPath, "The key can't be encrypted again",
			openFailed("The wrapped identity", err, ring, "Or leave escrow_recipients as they were, and take rotation_days away until an operator applies. Or make a new key: "+newKeyRemedy))
	}
	return diags
}

// checkWrap is an error if the state names a recipient whose identity is not in the
// wrap, where an identity found here opens it. Whoever can write the state could
// otherwise have bundles encrypted to a key of their own.
func (r *keyResource) checkWrap(ctx context.Context, state keyModel) (diags diag.Diagnostics) {
	ids, err := agekey.Unwrap(state.WrappedIdentity.ValueString(), r.settings.keyring(ctx).Identities)
	if err != nil {
		return diags
	}
	held := agekey.Texts(agekey.Recipients(ids))
	check := func(at path.Path, recipient attr.Value, held []string) {
		text, ok := recipient.(types.String)
		if !ok || !slices.Contains(held, text.ValueString()) {
			diags.AddAttributeError(at, "The wrapped identity is another key's", fmt.Sprintf(
				"%s is %s, and wrapped_identity holds no such identity: the state was altered. Whoever altered it may open what is encrypted to that recipient. "+
					"Restore the state from a backup. Or make a new key: %s", at, recipient, newKeyRemedy))
		}
	}
	check(path.Root("recipient"), state.Recipient, []string{ids[0].Recipient().String()})
	for i, recipient := range state.Recipients.Elements() {
		check(path.Root("recipients").AtListIndex(i), recipient, held)
	}
	generations, d := state.history(ctx)
	diags.Append(d...)
	for i, g := range generations {
		check(path.Root("generations").AtListIndex(i).AtName("recipient"), types.StringValue(g.Recipient), held)
	}
	return diags
}
