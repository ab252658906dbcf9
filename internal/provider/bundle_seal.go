package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	var config, plan bundleModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.OperatorRecipients.IsUnknown() {
		resp.Diagnostics.Append(plan.setOperators(ctx, r.settings, config, bundleModel{})...)
	}
	a, diags := plan.access(ctx)
	resp.Diagnostics.Append(diags...)
	w, diags := wantedContent(config, plan.params(a))
	resp.Diagnostics.Append(diags...)
	g, diags := changeGenerated(ctx, plan, bundleModel{})
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(g.check(plan.params(a), w, a)...)
	if resp.Diagnostics.HasError() {
		return
	}
	now := r.settings.now()
	made, err := g.values(dotenv.Document{}, plan.params(a))
	if err != nil {
		resp.Diagnostics.AddAttributeError(generatedPath, "An entry can't be generated", sentence(err))
		return
	}
	doc := w.Document.Overlay(made)
	content, err := bundle.NewContent(doc, plan.params(a))
	if err != nil {
		resp.Diagnostics.Append(contentProblem(err, w.path(config)))
		return
	}
	plan.ID, plan.OperatorRemovedAt = types.StringValue(newID()), types.StringNull()
	plan.setKeys(doc.Keys())
	plan.setChangedAt(bundle.ChangedAtUnopened(nil, nil, doc, now))
	g.made(&plan, bundleModel{}, now)
	resp.Diagnostics.Append(plan.seal(content, a, now)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.ID)...)
}

func (r *bundleResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var config, plan, state bundleModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.OperatorRecipients.IsUnknown() {
		resp.Diagnostics.Append(plan.setOperators(ctx, r.settings, config, state)...)
	}
	resp.Diagnostics.Append(r.reseal(ctx, config, &plan, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.ID)...)
}

// reseal fills the plan: with the old ciphertext if nothing differs, else with a
// new one.
func (r *bundleResource) reseal(ctx context.Context, config bundleModel, plan *bundleModel, state bundleModel) (diags diag.Diagnostics) {
	after, d := plan.access(ctx)
	diags.Append(d...)
	params := plan.params(after)
	w, d := wantedContent(config, params)
	diags.Append(d...)
	before, d := state.access(ctx)
	diags.Append(d...)
	g, d := changeGenerated(ctx, *plan, state)
	diags.Append(d...)
	diags.Append(g.check(params, w, after)...)
	if diags.HasError() {
		return diags
	}
	now := r.settings.now()
	g.made(plan, state, now)
	plan.OperatorRemovedAt = state.OperatorRemovedAt
	if len(before.operatorChange(after).Removed) > 0 {
		plan.OperatorRemovedAt = timeText(now)
	}
	sameParams := sealedAlike(before, after, *plan, state)
	carry := carriesOver(w, *plan, state)
	if carry && sameParams && !g.changes() {
		plan.keepSealed(state)
		return diags
	}

	ring := r.settings.keyring(ctx)
	opened, err := state.source().Open(state.Ciphertext.ValueString(), ring.Identities)
	if err != nil && (carry || plan.ContentVersion.IsNull() || len(g.kept) > 0) {
		diags.AddAttributeError(recipientsPath, "The content can't be carried over", openFailed("The bundle's ciphertext", err, ring, g.remedies()))
		return diags
	}
	var old bundle.Content
	readable := false
	if err == nil && (!carry || g.changes()) {
		old, err = opened.Read(state.dialect())
		if readable = err == nil; !readable && (carry || len(g.kept) > 0) {
			diags.Append(notCarried(err))
			return diags
		}
	}
	given := old
	given.Document = old.Document.Without(g.names)
	sameGiven := carry || readable && w.Same(given)
	sameContent := sameGiven && !g.changes()
	if sameContent && sameParams {
		plan.keepSealed(state)
		return diags
	}

	if sameContent {
		content, err := bundle.Carry(opened, state.dialect(), params)
		if err != nil {
			diags.Append(notCarried(err))
			return diags
		}
		plan.Keys, plan.ChangedAt = state.Keys, state.ChangedAt
		diags.Append(plan.seal(content, after, now)...)
		return diags
	}
	doc := w.Document
	if carry {
		doc = given.Document
	}
	made, err := g.values(old.Document, params)
	if err != nil {
		diags.AddAttributeError(generatedPath, "An entry can't be generated", sentence(err))
		return diags
	}
	doc = doc.Overlay(made)
	content, err := bundle.NewContent(doc, params)
	if err != nil {
		diags.Append(contentProblem(err, w.path(config)))
		return diags
	}
	plan.setKeys(doc.Keys())
	if readable {
		plan.setChangedAt(bundle.ChangedAt(state.changedAt(), old.Document, doc, now))
	} else {
		plan.setChangedAt(bundle.ChangedAtUnopened(state.changedAt(), state.keys(), doc, now))
	}
	diags.Append(plan.seal(content, after, now)...)
	return diags
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
	m.CiphertextSHA256 = types.StringValue(digest(ciphertext))
	m.UpdatedAt = timeText(now)
	return diags
}

// keepSealed puts back what is there.
func (m *bundleModel) keepSealed(state bundleModel) {
	m.Ciphertext, m.CiphertextSHA256, m.UpdatedAt = state.Ciphertext, state.CiphertextSHA256, state.UpdatedAt
	m.Keys, m.ChangedAt = state.Keys, state.ChangedAt
}

func (m *bundleModel) setKeys(keys []string) {
	m.Keys = types.SetValueMust(types.StringType, textList(keys).Elements())
}

func (m *bundleModel) setChangedAt(at map[string]time.Time) {
	elements := make(map[string]attr.Value, len(at))
	for key, t := range at {
		elements[key] = timeText(t)
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

func (m *bundleModel) keys() (keys []string) {
	for _, element := range m.Keys.Elements() {
		if text, ok := element.(basetypes.StringValue); ok {
			keys = append(keys, text.ValueString())
		}
	}
	return keys
}

// digest is the SHA-256 of a text, hex.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
