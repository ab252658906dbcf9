package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// A plan names the entries, and those whose value changes: changed_at is unknown for these,
// and for no other. A warning says why. Values are compared by opening the bundle that is
// there.

var changedAtPath = path.Root("changed_at")

// planEffect plans the names, and the times of the entries that keep their value.
func (c *bundleChange) planEffect(effect bundle.Effect) {
	if !effect.NamesKnown {
		c.plan.ChangedAt = types.MapUnknown(types.StringType)
		return
	}
	times := effect.Times(c.prior)
	c.plan.setEntries(effect.Names, times.Known, times.Open...)
}

// causes has the text for each cause, in the order in which they are told. What is
// added is told by changed_at.
var causes = []struct {
	cause bundle.Cause
	text  string
}{
	{bundle.ValueGiven, "the configuration gives another value than the bundle holds."},
	{bundle.GeneratedNow, "generated from now on, in place of the value that was given."},
	{bundle.GeneratorChanged, "generated again: length, charset, bytes or encoding changed."},
	{bundle.KeepersChanged, "generated again: keepers changed."},
	{bundle.ScheduleDue, "generated again: rotation_days have passed."},
	{bundle.NotYetKnown, "may change: this is known only at apply."},
	{bundle.NotCompared, "may change: nothing here opens the bundle, so its values can't be compared with the configured ones."},
}

// valuesWarning names the entries whose value changes, or may, and says why. What the
// arguments and names show by themselves is not told again.
func (c *bundleChange) valuesWarning(action bundle.Action, effect bundle.Effect) (diags diag.Diagnostics) {
	var certain, possible, lines []string
	for _, told := range causes {
		names := slices.DeleteFunc(slices.Collect(maps.Keys(effect.Changed)), func(name string) bool { return effect.Changed[name] != told.cause })
		if len(names) == 0 {
			continue
		}
		if told.cause.IsCertain() {
			certain = append(certain, names...)
		} else {
			possible = append(possible, names...)
		}
		lines = append(lines, c.causeLines(told.cause, told.text, names)...)
	}
	summary := "Values may change"
	switch {
	case len(certain) > 0:
		summary = "Values change: " + listed(certain)
	case len(possible) > 0:
		summary = "Values may change: " + listed(possible)
	case effect.NamesKnown:
		return c.noValueWarning(action, effect)
	}
	if effect.NamesKnown {
		lines = append(lines, "All other values stay.")
	} else {
		lines = append(lines, "Which entries there will be is known only at apply.")
	}
	if len(certain) > 0 && !c.settings.refreshed(c.state.ID.ValueString()) {
		lines = append(lines, "If Terraform calls this plan inconsistent, a value differs between the plan and its apply: plan again.")
	}
	// Bundles often have entries of the same names, and Terraform shows one of many
	// warnings with the same summary.
	summary += " (bundle " + c.state.ID.ValueString() + ")"
	diags.AddAttributeWarning(changedAtPath, summary, strings.Join(lines, "\n"))
	return diags
}

// noValueWarning says why the bundle is encrypted again though no value and no argument
// that is shown changes.
func (c *bundleChange) noValueWarning(action bundle.Action, effect bundle.Effect) (diags diag.Diagnostics) {
	const summary = "No value changes"
	switch {
	case !slices.Equal(effect.Names, c.prior.Names):
	case len(effect.Reread) > 0:
		diags.AddAttributeWarning(changedAtPath, summary, "content_version changes, and the configuration gives the values that the bundle holds.")
	case action == bundle.Rewrite:
		diags.AddAttributeWarning(changedAtPath, summary, "The order or the comments of dotenv_wo change, so the content is encrypted again.")
	}
	return diags
}

// causeLines tells a cause of some entries.
func (c *bundleChange) causeLines(cause bundle.Cause, text string, names []string) (lines []string) {
	switch {
	case cause == bundle.ScheduleDue:
		for _, name := range slices.Sorted(slices.Values(names)) {
			lines = append(lines, fmt.Sprintf("%s: %s It was due at %s.", name, text, c.dueAt(name)))
		}
		return lines
	case cause == bundle.NotCompared && c.settings.identitiesUnknown:
		text = "may change: the identity that opens the bundle is known only at apply."
	}
	return []string{listed(names) + ": " + text}
}

// dueAt is when a generated entry was due.
func (c *bundleChange) dueAt(name string) string {
	return c.state.generatedStatus()[name].rotateAt.ValueString()
}

// listed is the names, sorted, for a sentence.
func listed(names []string) string { return strings.Join(slices.Sorted(slices.Values(names)), ", ") }

// namesOf is the names as a set.
func namesOf(list []string) map[string]bool {
	names := map[string]bool{}
	for _, name := range list {
		names[name] = true
	}
	return names
}
