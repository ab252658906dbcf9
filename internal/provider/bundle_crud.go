package provider

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

func (r *bundleResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	c := bundleChange{settings: r.settings, create: true, applying: true}
	resp.Diagnostics.Append(getModel(ctx, req.Config, &c.config)...)
	resp.Diagnostics.Append(getModel(ctx, req.Plan, &c.plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(c.read(ctx)...)
	if resp.Diagnostics.HasError() {
		return
	}
	c.plan.ID, c.plan.OperatorRemovedAt = types.StringValue(newID()), types.StringNull()
	now := r.settings.now()
	c.generated.made(&c.plan, bundleModel{}, now)
	resp.Diagnostics.Append(c.rewrite(nil, now)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &c.plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, c.plan.ID)...)
}

// Read looks at the clock, and keeps the rest: a bundle is nowhere but in the state.
func (r *bundleResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state bundleModel
	resp.Diagnostics.Append(getModel(ctx, req.State, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	state.setGeneratedDue(r.settings.now())
	r.settings.refreshedIDs.Store(state.ID.ValueString(), true)
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &state)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID)...)
}

func (r *bundleResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	c := bundleChange{settings: r.settings, applying: true}
	resp.Diagnostics.Append(getModel(ctx, req.Config, &c.config)...)
	resp.Diagnostics.Append(getModel(ctx, req.Plan, &c.plan)...)
	resp.Diagnostics.Append(getModel(ctx, req.State, &c.state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(c.apply(ctx)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &c.plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, c.plan.ID)...)
}

// Delete forgets the bundle. No identity is needed.
func (r *bundleResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// apply fills the plan: with the old ciphertext if nothing differs, else with a new
// one.
func (c *bundleChange) apply(ctx context.Context) diag.Diagnostics {
	diags := c.read(ctx)
	if diags.HasError() {
		return diags
	}
	now := c.settings.now()
	c.generated.made(&c.plan, c.state, now)
	c.plan.OperatorRemovedAt = c.state.OperatorRemovedAt
	if len(c.before.operatorChange(c.after).Removed) > 0 {
		c.plan.OperatorRemovedAt = timeText(now)
	}
	action, opened, content, d := c.decide(ctx)
	diags.Append(d...)
	if diags.HasError() {
		return diags
	}
	switch action {
	case bundle.Keep:
		c.plan.keepSealed(c.state)
	case bundle.Reencrypt:
		diags.Append(c.reencrypt(opened, now)...)
	case bundle.Rewrite:
		diags.Append(c.rewrite(content, now)...)
	}
	return diags
}

// reencrypt encrypts the content that is there.
func (c *bundleChange) reencrypt(opened bundle.Opened, now time.Time) (diags diag.Diagnostics) {
	content, err := bundle.Carry(opened, c.state.params(c.before), c.plan.params(c.after))
	if err != nil {
		diags.Append(notCarried(err))
		return diags
	}
	c.plan.ChangedAt = c.state.ChangedAt
	return c.plan.seal(content, c.after, now)
}

// rewrite encrypts other content. old is what is there, nil if it was not opened.
func (c *bundleChange) rewrite(old *bundle.Content, now time.Time) (diags diag.Diagnostics) {
	was, doc, params := dotenv.Document{}, c.wanted.Document, c.plan.params(c.after)
	if old != nil {
		was = old.Document
	}
	if !c.create && c.carriesOver() {
		doc = was.Without(c.generated.Names())
	}
	made, err := c.generated.values(was, params)
	if err != nil {
		diags.AddAttributeError(generatedPath, "An entry can't be generated", sentence(err))
		return diags
	}
	doc = doc.Overlay(made)
	content, err := bundle.NewContent(doc, params)
	if err != nil {
		diags.Append(contentProblem(err, c.wanted.path(c.config)))
		return diags
	}
	at := bundle.ChangedAtUnopened(c.state.changedAt(), c.state.keys(), doc, c.generated.Fresh, now)
	if old != nil {
		at = bundle.ChangedAt(c.state.changedAt(), was, doc, now)
	}
	c.plan.setEntries(doc.Keys(), at)
	return c.plan.seal(content, c.after, now)
}

// seal encrypts the content to everybody who has access.
func (m *bundleModel) seal(content bundle.Content, a access, now time.Time) (diags diag.Diagnostics) {
	params := m.params(a)
	if diags.Append(checkAccess(params)...); diags.HasError() {
		return diags
	}
	ciphertext, err := bundle.Seal(content, params, now)
	if err != nil {
		diags.AddError("The bundle can't be encrypted", sentence(err))
		return diags
	}
	m.Ciphertext = types.StringValue(ciphertext)
	return diags
}

// keepSealed puts back what is there.
func (m *bundleModel) keepSealed(state bundleModel) {
	m.Ciphertext, m.ChangedAt = state.Ciphertext, state.ChangedAt
}

// setEntries puts the names, and the times at which their values last changed: null where
// that is not known, unknown for those in open.
func (m *bundleModel) setEntries(names []string, at map[string]time.Time, open ...string) {
	elements := make(map[string]attr.Value, len(names))
	for _, name := range names {
		elements[name] = knownTime(at[name])
	}
	for _, name := range open {
		elements[name] = types.StringUnknown()
	}
	m.ChangedAt = types.MapValueMust(types.StringType, elements)
}

// changedAt reads the times in the state; one that can't be read is left out, as
// not known.
func (m *bundleModel) changedAt() map[string]time.Time {
	at := map[string]time.Time{}
	for key, element := range m.ChangedAt.Elements() {
		if text, ok := element.(basetypes.StringValue); ok {
			if t, ok := timeOf(text); ok {
				at[key] = t
			}
		}
	}
	return at
}

// keys are the names of the entries, sorted.
func (m *bundleModel) keys() []string { return slices.Sorted(maps.Keys(m.ChangedAt.Elements())) }
