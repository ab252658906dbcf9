package provider_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// core does with one resource what Terraform's core does: it refreshes, plans and
// applies, keeps the state, and taints what could not be created. It is for what a
// real CLI is too slow for, or for which time has to be virtual.
type core struct {
	*unitServer
	name    string // the resource's type
	state   tftypes.Value
	private []byte
	tainted bool
}

func newCore(u *unitServer, name string) *core {
	c := &core{unitServer: u, name: name}
	c.state = tftypes.NewValue(c.object(), nil)
	return c
}

func (c *core) schema() *tfprotov6.Schema { return c.schemas.ResourceSchemas[c.name] }

func (c *core) object() tftypes.Type { return c.schema().ValueType() }

func (c *core) dynamic(v tftypes.Value) *tfprotov6.DynamicValue {
	d, err := tfprotov6.NewDynamicValue(c.object(), v)
	if err != nil {
		c.t.Fatal(err)
	}
	return &d
}

func (c *core) open(d *tfprotov6.DynamicValue) tftypes.Value {
	v, err := d.Unmarshal(c.object())
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

// attribute is the text of one in the state, "" if it is null.
func (c *core) attribute(name string) string { return coreText(c.t, c.state, name) }

func coreText(t testing.TB, object tftypes.Value, name string) (text string) {
	var all map[string]tftypes.Value
	if object.IsNull() || object.As(&all) != nil || all[name].IsNull() || !all[name].IsKnown() {
		return ""
	}
	if err := all[name].As(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func coreFailed(diagnostics []*tfprotov6.Diagnostic) bool {
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return true
		}
	}
	return false
}

// refresh reads the resource if there is one. After an error the state is as it
// was.
func (c *core) refresh() []*tfprotov6.Diagnostic {
	c.t.Helper()
	if c.state.IsNull() {
		return nil
	}
	resp, err := c.server.ReadResource(c.t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: c.name, CurrentState: c.dynamic(c.state), Private: c.private,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if !coreFailed(resp.Diagnostics) {
		c.state, c.private = c.open(resp.NewState), resp.Private
		c.tainted = c.tainted && !c.state.IsNull()
	}
	return resp.Diagnostics
}

// imported imports the resource, and reads it as Terraform does after an import.
func (c *core) imported(id string) []*tfprotov6.Diagnostic {
	c.t.Helper()
	resp, err := c.server.ImportResourceState(c.t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: c.name, ID: id})
	if err != nil {
		c.t.Fatal(err)
	}
	if coreFailed(resp.Diagnostics) {
		return resp.Diagnostics
	}
	c.state, c.private = c.open(resp.ImportedResources[0].State), resp.ImportedResources[0].Private
	diagnostics := append(resp.Diagnostics, c.refresh()...)
	if coreFailed(diagnostics) {
		c.state = tftypes.NewValue(c.object(), nil) // nothing is imported then
	}
	return diagnostics
}

// proposed is the configuration, with what is computed as it was.
func (c *core) proposed(prior, config tftypes.Value) tftypes.Value {
	return proposed(c.schema().Block.Attributes, prior, config)
}

func proposed(attributes []*tfprotov6.SchemaAttribute, prior, config tftypes.Value) tftypes.Value {
	var was, is map[string]tftypes.Value
	if !config.IsKnown() || config.IsNull() || config.As(&is) != nil {
		return config
	}
	_ = prior.As(&was) // nil if there is none
	is = maps.Clone(is)
	for _, attribute := range attributes {
		value, before := is[attribute.Name], was[attribute.Name]
		switch {
		case attribute.WriteOnly:
			is[attribute.Name] = tftypes.NewValue(attribute.Type, nil)
		case attribute.Computed && value.IsNull() && before.Type() != nil:
			is[attribute.Name] = before
		case attribute.NestedType != nil && attribute.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeList:
			is[attribute.Name] = proposedList(attribute.NestedType.Attributes, before, value)
		}
	}
	return tftypes.NewValue(config.Type(), is)
}

// proposedList matches the elements of a list of objects by their indices, as Terraform does.
func proposedList(attributes []*tfprotov6.SchemaAttribute, prior, config tftypes.Value) tftypes.Value {
	var was, is []tftypes.Value
	if !config.IsKnown() || config.IsNull() || config.As(&is) != nil {
		return config
	}
	if prior.Type() != nil && prior.IsKnown() && !prior.IsNull() {
		_ = prior.As(&was) // a list, as the configuration's is one
	}
	elements := make([]tftypes.Value, len(is))
	for i, element := range is {
		var before tftypes.Value
		if i < len(was) {
			before = was[i]
		}
		elements[i] = proposed(attributes, before, element)
	}
	return tftypes.NewValue(config.Type(), elements)
}

type corePlan struct {
	config, planned tftypes.Value
	private         []byte
	replace         bool
	empty           bool
}

func (c *core) plan(prior tftypes.Value, attributes map[string]any) (corePlan, []*tfprotov6.Diagnostic) {
	c.t.Helper()
	return c.planConfig(prior, c.open(c.value(c.schema(), attributes)))
}

func (c *core) planConfig(prior, config tftypes.Value) (corePlan, []*tfprotov6.Diagnostic) {
	c.t.Helper()
	resp, err := c.server.PlanResourceChange(c.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: c.name, PriorState: c.dynamic(prior), PriorPrivate: c.private, Config: c.dynamic(config), ProposedNewState: c.dynamic(c.proposed(prior, config)),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if coreFailed(resp.Diagnostics) {
		return corePlan{}, resp.Diagnostics
	}
	planned := c.open(resp.PlannedState)
	return corePlan{config, planned, resp.PlannedPrivate, len(resp.RequiresReplace) > 0, planned.Equal(prior)}, resp.Diagnostics
}

// change applies a plan; without a plan it destroys.
func (c *core) change(p *corePlan) []*tfprotov6.Diagnostic {
	c.t.Helper()
	null, creates := tftypes.NewValue(c.object(), nil), c.state.IsNull()
	if p == nil {
		p = &corePlan{config: null, planned: null, private: c.private}
	} else if final, diagnostics := c.planConfig(c.state, p.config); coreFailed(diagnostics) {
		return diagnostics
	} else {
		// Terraform plans once more, since more is known by now.
		c.compare("final plan", p.planned, final.planned)
		p = &final
	}
	resp, err := c.server.ApplyResourceChange(c.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: c.name, PriorState: c.dynamic(c.state), PlannedState: c.dynamic(p.planned), Config: c.dynamic(p.config), PlannedPrivate: p.private,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.state, c.private = c.open(resp.NewState), resp.Private
	if coreFailed(resp.Diagnostics) {
		c.tainted = c.tainted || creates && !c.state.IsNull()
		return resp.Diagnostics
	}
	c.tainted = false
	c.check(p.planned)
	return resp.Diagnostics
}

// check is what Terraform checks: what was planned as known has come true, and all
// is known.
func (c *core) check(planned tftypes.Value) {
	c.t.Helper()
	if !c.state.IsFullyKnown() {
		c.t.Error("the new state is not known whole")
	}
	c.compare("result", planned, c.state)
}

func (c *core) compare(what string, planned, actual tftypes.Value) {
	c.t.Helper()
	var want, got map[string]tftypes.Value
	if planned.IsNull() || planned.As(&want) != nil || actual.As(&got) != nil {
		return
	}
	for name, value := range want {
		if !cameTrue(value, got[name]) {
			c.t.Errorf("inconsistent "+what+": %s was planned as %s, and is %s", name, value, got[name])
		}
	}
}

// cameTrue reports whether a value is as it was planned, but for what is unknown in it.
// In a map or an object the keys count too, where an element is unknown.
func cameTrue(planned, got tftypes.Value) bool {
	switch {
	case !planned.IsKnown():
		return true
	case planned.IsFullyKnown():
		return planned.Equal(got)
	case planned.Type().Is(tftypes.List{}):
		var want, have []tftypes.Value
		return planned.As(&want) == nil && got.As(&have) == nil && slices.EqualFunc(want, have, cameTrue)
	case !planned.Type().Is(tftypes.Map{}) && !planned.Type().Is(tftypes.Object{}):
		return true
	}
	var want, have map[string]tftypes.Value
	if planned.As(&want) != nil || got.As(&have) != nil || len(want) != len(have) {
		return false
	}
	for key, value := range want {
		if element, there := have[key]; !there || !cameTrue(value, element) {
			return false
		}
	}
	return true
}

// apply is a whole run. It ends with the first error.
func (c *core) apply(attributes map[string]any) (all []*tfprotov6.Diagnostic) {
	c.t.Helper()
	do := func(diagnostics []*tfprotov6.Diagnostic) bool {
		all = append(all, diagnostics...)
		return !coreFailed(diagnostics)
	}
	if !do(c.refresh()) {
		return all
	}
	plan, diagnostics := c.plan(c.state, attributes)
	if !do(diagnostics) || plan.empty && !c.tainted {
		return all
	}
	if !c.state.IsNull() && (plan.replace || c.tainted) {
		null := tftypes.NewValue(c.object(), nil)
		if plan, diagnostics = c.plan(null, attributes); !do(diagnostics) || !do(c.change(nil)) {
			return all
		}
	}
	do(c.change(&plan))
	return all
}

// destroy is a whole run that destroys.
func (c *core) destroy() (all []*tfprotov6.Diagnostic) {
	c.t.Helper()
	all = c.refresh()
	if !coreFailed(all) && !c.state.IsNull() {
		all = append(all, c.change(nil)...)
	}
	return all
}
