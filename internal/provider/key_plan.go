package provider

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	resp.Diagnostics.Append(getModel(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(getModel(ctx, req.Plan, &plan)...)
	create := req.State.Raw.IsNull()
	if !create {
		resp.Diagnostics.Append(getModel(ctx, req.State, &state)...)
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
		resp.Diagnostics.Append(pluginsMissing(escrowPath, escrow)...)
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
	resp.Diagnostics.Append(setModel(ctx, &resp.Plan, &plan)...)
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
	change := plan.change(state, known && !operators.IsEmpty())
	diags.Append(plan.planChange(change, state)...)
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
	if change.Wrap {
		diags.Append(pluginsMissing(escrowPath, escrow)...)
	}
	if change.Unwraps() {
		diags.Append(r.checkUnwraps(ctx, state, change, plan.scheduleOpen(state))...)
	}
	return diags
}

// scheduleOpen reports whether the key is due by the state's schedule, and its new one is
// not known yet.
func (m *keyModel) scheduleOpen(state keyModel) bool {
	return m.RotationDays.IsUnknown() && state.RotationDue.ValueBool()
}

// change decides what an apply of the plan does with the key. rewrap reports whether
// the operators differ.
func (m *keyModel) change(state keyModel, rewrap bool) rotation.KeyChange {
	return rotation.DecideKey(state.history(), m.due(state), rotation.KeyRequest{GraceDays: m.GraceDays.ValueInt64(), Rewrap: rewrap})
}

// planChange marks what a rotation and the end of grace periods change.
func (m *keyModel) planChange(change rotation.KeyChange, state keyModel) (diags diag.Diagnostics) {
	switch {
	case change.Rotate:
		m.planRotation(state)
		if m.scheduleOpen(state) {
			m.Generation, m.RotationDue = types.Int64Unknown(), types.BoolUnknown()
		}
		diags.Append(rotationReason(m, state))
	case len(change.Retired) > 0:
		m.setHistory(change.Generations(rotation.Generation{}))
		m.WrappedIdentity = types.StringUnknown()
	}
	return diags
}

// planRotation marks what a rotation in place changes.
func (m *keyModel) planRotation(state keyModel) {
	m.Recipient, m.WrappedIdentity = types.StringUnknown(), types.StringUnknown()
	m.Recipients, m.Retiring = types.ListUnknown(types.StringType), types.ListUnknown(retiringType)
	m.Generation = types.Int64Value(state.Generation.ValueInt64() + 1)
	m.CreatedAt = types.StringUnknown()
	m.setSchedule()
	m.RotationDue = types.BoolValue(false)
}

// rotationReason tells why a key changes though nothing was edited.
func rotationReason(plan *keyModel, state keyModel) diag.Diagnostic {
	grace := "It is given up at once: no grace_days are set."
	if days := plan.GraceDays.ValueInt64(); days > 0 {
		grace = fmt.Sprintf("It stays in recipients for its grace period of %d days.", days)
	} else if plan.GraceDays.IsUnknown() {
		grace = "Whether it stays for a grace period is known only at apply: grace_days is unknown."
	}
	if plan.scheduleOpen(state) {
		return diag.NewAttributeWarningDiagnostic(rotateAtPath, "The key may be due for rotation",
			fmt.Sprintf("It was due at %s by the rotation_days so far, and rotation_days is known only at apply. With no more days than before, the apply makes a new identity in place. The identity so far is %s. %s",
				state.RotateAt.ValueString(), state.Recipient.ValueString(), grace))
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
// still to come. It is a warning if the schedule may turn out to ask for no change.
func (r *keyResource) checkUnwraps(ctx context.Context, state keyModel, change rotation.KeyChange, scheduleOpen bool) (diags diag.Diagnostics) {
	ring := r.settings.keyring(ctx)
	_, err := agekey.Open(state.WrappedIdentity.ValueString(), agekey.WithoutPluginCalls(ring.Identities))
	if err == nil || r.settings.identitiesUnknown {
		return diags
	}
	before, _, _ := recipientSet(ctx, state.EscrowRecipients, escrowPath)
	if programs := agekey.PluginsFor(ring.Identities, agekey.Texts(before)); errors.Is(err, agekey.ErrNoMatch) && len(programs) > 0 {
		diags.Append(applyAsksForKey(programs))
		return diags
	}
	_, err = agekey.Open(state.WrappedIdentity.ValueString(), ring.Identities) // for the error, where a plugin is missing
	detail := openFailed("The wrapped identity", err, ring, putOff(change)+"Or make a new key: "+newKeyRemedy)
	if scheduleOpen {
		diags.AddAttributeWarning(escrowPath, "The key may have to be encrypted again, and can't", detail)
	} else {
		diags.AddAttributeError(escrowPath, "The key can't be encrypted again", detail)
	}
	return diags
}

// putOff says how to leave a change to an operator. The end of a grace period can't be
// put off.
func putOff(change rotation.KeyChange) string {
	var steps []string
	if change.Rewrap {
		steps = append(steps, "leave escrow_recipients as they were")
	}
	if change.Rotate {
		steps = append(steps, "put the rotation off: raise rotation_days, or remove rotation_days and grace_days")
	}
	if change.GraceEnds() || len(steps) == 0 {
		return ""
	}
	return "Or, until an operator applies, " + strings.Join(steps, ", and ") + ". "
}

// checkWrap is an error if the state names a recipient whose identity is not in the
// wrap, where an identity found here opens it. Anybody who can write the state could
// otherwise have bundles encrypted to a key of their own. What passed in the refresh is not
// opened again in the plan. No age plugin is asked: each refresh would cost a touch.
func (r *keyResource) checkWrap(ctx context.Context, state keyModel) (diags diag.Diagnostics) {
	seen := sha256.Sum256([]byte(fmt.Sprint(state.WrappedIdentity, state.Recipient, state.Recipients, state.Retiring)))
	if _, passed := r.settings.checkedWraps.Load(seen); passed {
		return diags
	}
	ids, err := agekey.Unwrap(state.WrappedIdentity.ValueString(), agekey.WithoutPluginCalls(r.settings.keyring(ctx).Identities))
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
	retiring, _ := state.retiring()
	for i, g := range retiring {
		check(path.Root("retiring").AtListIndex(i).AtName("recipient"), types.StringValue(g.Recipient), held)
	}
	if !diags.HasError() {
		r.settings.checkedWraps.Store(seen, true)
	}
	return diags
}
