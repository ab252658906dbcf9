package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

// generation is one identity of a key, as a state has it.
type generation struct {
	Recipient types.String `tfsdk:"recipient"`
	CreatedAt types.String `tfsdk:"created_at"`
	RetireAt  types.String `tfsdk:"retire_at"` // null for the current one
}

var generationType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"recipient": types.StringType, "created_at": types.StringType, "retire_at": types.StringType,
}}

// history is a state's generations, the current one first. A time that can't be read
// is not known.
func (m keyModel) history(ctx context.Context) (generations []rotation.Generation, diags diag.Diagnostics) {
	var list []generation
	diags = m.Generations.ElementsAs(ctx, &list, false)
	for _, g := range list {
		created, _ := timeOf(g.CreatedAt)
		retire, _ := timeOf(g.RetireAt)
		generations = append(generations, rotation.Generation{Recipient: g.Recipient.ValueString(), CreatedAt: created, RetireAt: retire})
	}
	return generations, diags
}

// setHistory puts the generations, and the recipients that follow from them.
func (m *keyModel) setHistory(ctx context.Context, generations []rotation.Generation) (diags diag.Diagnostics) {
	list, recipients := make([]generation, len(generations)), make([]string, len(generations))
	for i, g := range generations {
		list[i] = generation{types.StringValue(g.Recipient), knownTime(g.CreatedAt), knownTime(g.RetireAt)}
		recipients[i] = g.Recipient
	}
	m.Generations, diags = types.ListValueFrom(ctx, generationType, list)
	m.Recipients = textList(recipients)
	return diags
}

// due is what the last refresh found due, and is so under the model's schedule too. It
// may be while that is not known.
func (m keyModel) due(state keyModel) rotation.KeyDue {
	due := rotation.KeyDue{Rotation: state.RotationDue.ValueBool()}
	if !m.RotationDays.IsUnknown() && !rotation.StaysDue(state.RotationDays.ValueInt64(), m.RotationDays.ValueInt64()) {
		due.Rotation = false
	}
	for _, element := range state.RetirementDue.Elements() {
		if text, ok := element.(types.String); ok {
			due.Retired = append(due.Retired, text.ValueString())
		}
	}
	return due
}

// setDue says what is due at a time.
func (m *keyModel) setDue(generations []rotation.Generation, now time.Time) {
	rotateAt, _ := timeOf(m.RotateAt)
	due := rotation.KeyDueAt(generations, rotateAt, now)
	m.RotationDue, m.RetirementDue = types.BoolValue(due.Rotation), textList(due.Retired)
}

// setSchedule puts rotate_at, which follows from created_at: no clock is read.
func (m *keyModel) setSchedule() {
	created, ok := timeOf(m.CreatedAt)
	switch {
	case m.RotationDays.IsUnknown() || m.CreatedAt.IsUnknown():
		m.RotateAt = types.StringUnknown()
	case m.RotationDays.IsNull() || !ok:
		m.RotateAt = types.StringNull()
	default:
		m.RotateAt = timeText(rotation.DueAt(created, m.RotationDays.ValueInt64()))
	}
}

// timeOf reads a time of the state; it reports false where there is none.
func timeOf(text types.String) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, text.ValueString())
	return at, err == nil
}

// timeText is a time as the state has it.
func timeText(at time.Time) types.String { return types.StringValue(at.UTC().Format(time.RFC3339)) }

// knownTime is a time as the state has it, null if it is not known.
func knownTime(at time.Time) types.String {
	if at.IsZero() {
		return types.StringNull()
	}
	return timeText(at)
}
