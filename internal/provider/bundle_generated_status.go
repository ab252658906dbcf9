package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

// generatedStatus is what a state says of one generated entry. Of a name that is gone it
// has the version alone.
type generatedStatus struct {
	version             types.Int64
	rotatedAt, rotateAt types.String // rotateAt is null without a schedule
	due                 types.Bool   // when the state was last refreshed
}

var generatedStatusType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"version": types.Int64Type, "rotated_at": types.StringType, "rotate_at": types.StringType, "due": types.BoolType,
}}

// generatedStatus is what the model says of its generated entries.
func (m bundleModel) generatedStatus() map[string]generatedStatus {
	all := map[string]generatedStatus{}
	for name, element := range m.GeneratedStatus.Elements() {
		if object, ok := element.(types.Object); ok {
			var status generatedStatus
			attributes := object.Attributes()
			status.version, _ = attributes["version"].(types.Int64)
			status.rotatedAt, _ = attributes["rotated_at"].(types.String)
			status.rotateAt, _ = attributes["rotate_at"].(types.String)
			status.due, _ = attributes["due"].(types.Bool)
			all[name] = status
		}
	}
	return all
}

// setGeneratedStatus puts it: null if there is no entry, and never was.
func (m *bundleModel) setGeneratedStatus(all map[string]generatedStatus) {
	if len(all) == 0 {
		m.GeneratedStatus = types.MapNull(generatedStatusType)
		return
	}
	elements := make(map[string]attr.Value, len(all))
	for name, status := range all {
		elements[name] = types.ObjectValueMust(generatedStatusType.AttrTypes, map[string]attr.Value{
			"version": status.version, "rotated_at": status.rotatedAt, "rotate_at": status.rotateAt, "due": status.due,
		})
	}
	m.GeneratedStatus = types.MapValueMust(generatedStatusType, elements)
}

// setGeneratedDue says which generated entries are due at a time.
func (m *bundleModel) setGeneratedDue(now time.Time) {
	if m.GeneratedStatus.IsNull() {
		return
	}
	all := m.generatedStatus()
	for name, status := range all {
		if at, ok := timeOf(status.rotateAt); ok {
			status.due = types.BoolValue(rotation.IsDue(at, now))
			all[name] = status
		}
	}
	m.setGeneratedStatus(all)
}
