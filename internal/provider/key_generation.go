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

// generations are a state's, the current one first.
func (m keyModel) generations(ctx context.Context) (list []generation, diags diag.Diagnostics) {
	diags = m.Generations.ElementsAs(ctx, &list, false)
	return list, diags
}

// setGenerations puts the generations, and the recipients that follow from them.
func (m *keyModel) setGenerations(ctx context.Context, list []generation) (diags diag.Diagnostics) {
	m.Generations, diags = types.ListValueFrom(ctx, generationType, list)
	recipients := make([]string, len(list))
	for i, g := range list {
		recipients[i] = g.Recipient.ValueString()
	}
	m.Recipients = textList(recipients)
	return diags
}

// without is the generations but for those that are retired.
func without(list []generation, retired types.List) (live []generation) {
	gone := map[string]bool{}
	for _, element := range retired.Elements() {
		if text, ok := element.(types.String); ok {
			gone[text.ValueString()] = true
		}
	}
	for i, g := range list {
		if i == 0 || !gone[g.Recipient.ValueString()] {
			live = append(live, g)
		}
	}
	return live
}

// setDue says what is due at a time.
func (m *keyModel) setDue(list []generation, now time.Time) {
	rotateAt, scheduled := timeOf(m.RotateAt)
	m.RotationDue = types.BoolValue(scheduled && rotation.IsDue(rotateAt, now))
	retired := []string{}
	for _, g := range list {
		if at, ok := timeOf(g.RetireAt); ok && rotation.IsDue(at, now) {
			retired = append(retired, g.Recipient.ValueString())
		}
	}
	m.RetirementDue = textList(retired)
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
