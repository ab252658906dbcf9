package provider

import (
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

// retiringType is one identity of a key that is in its grace period, as a state has it. The
// current identity is in recipient and created_at.
var retiringType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"recipient": types.StringType, "created_at": types.StringType, "retire_at": types.StringType, "due": types.BoolType,
}}

// retiring are the identities in their grace period, and the recipients of those whose
// grace period was found to have ended. A time that can't be read is not known.
func (m keyModel) retiring() (generations []rotation.Generation, due []string) {
	for _, element := range m.Retiring.Elements() {
		object, _ := element.(types.Object)
		attributes := object.Attributes()
		text := func(name string) types.String {
			text, _ := attributes[name].(types.String)
			return text
		}
		created, _ := timeOf(text("created_at"))
		retire, _ := timeOf(text("retire_at"))
		recipient := text("recipient").ValueString()
		generations = append(generations, rotation.Generation{Recipient: recipient, CreatedAt: created, RetireAt: retire})
		if ended, _ := attributes["due"].(types.Bool); ended.ValueBool() {
			due = append(due, recipient)
		}
	}
	return generations, due
}

// history is a state's generations, the current one first.
func (m keyModel) history() []rotation.Generation {
	created, _ := timeOf(m.CreatedAt)
	earlier, _ := m.retiring()
	return append([]rotation.Generation{{Recipient: m.Recipient.ValueString(), CreatedAt: created}}, earlier...)
}

// setHistory puts the generations, the current one first, and the recipients that follow
// from them. The next refresh finds which of them are due.
func (m *keyModel) setHistory(generations []rotation.Generation) {
	var recipients []string
	for _, g := range generations {
		recipients = append(recipients, g.Recipient)
	}
	m.Recipients = textList(recipients)
	m.setRetiring(generations[1:], nil)
}

// setRetiring puts the identities in their grace period, and which of their recipients are
// due.
func (m *keyModel) setRetiring(generations []rotation.Generation, due []string) {
	m.Retiring = types.ListNull(retiringType)
	if len(generations) == 0 {
		return
	}
	elements := make([]attr.Value, len(generations))
	for i, g := range generations {
		elements[i] = types.ObjectValueMust(retiringType.AttrTypes, map[string]attr.Value{
			"recipient": types.StringValue(g.Recipient), "created_at": knownTime(g.CreatedAt), "retire_at": knownTime(g.RetireAt),
			"due": types.BoolValue(slices.Contains(due, g.Recipient)),
		})
	}
	m.Retiring = types.ListValueMust(retiringType, elements)
}

// due is what the last refresh found due, and is so under the model's schedule too. It
// may be while that is not known.
func (m keyModel) due(state keyModel) rotation.KeyDue {
	due := rotation.KeyDue{Rotation: state.RotationDue.ValueBool()}
	if !m.RotationDays.IsUnknown() && !rotation.StaysDue(state.RotationDays.ValueInt64(), m.RotationDays.ValueInt64()) {
		due.Rotation = false
	}
	_, due.Retired = state.retiring()
	return due
}

// dueAt is what is due of generations at a time.
func (m keyModel) dueAt(generations []rotation.Generation, now time.Time) rotation.KeyDue {
	rotateAt, _ := timeOf(m.RotateAt)
	return rotation.KeyDueAt(generations, rotateAt, now)
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
