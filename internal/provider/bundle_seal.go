package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

func (r *bundleResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var config, plan bundleModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.OperatorRecipients.IsUnknown() {
		operators, _, diags := r.settings.operators(ctx, operatorsPath)
		resp.Diagnostics.Append(diags...)
		if len(operators) == 0 {
			resp.Diagnostics.AddAttributeError(operatorsPath, "No operator recipient", fmt.Sprintf(noOperatorsDetail, "operator_recipients"))
			return
		}
		plan.OperatorRecipients = textSet(operators)
	}
	a, diags := plan.access(ctx)
	resp.Diagnostics.Append(diags...)
	w, diags := wantedContent(config, plan.params(a))
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	content, err := bundle.NewContent(w.Document, plan.params(a))
	if err != nil {
		resp.Diagnostics.Append(contentProblem(err, w.path(config)))
		return
	}
	now := r.settings.now()
	plan.ID = types.StringValue(newID())
	plan.setKeys(w.Document.Keys())
	plan.setChangedAt(bundle.ChangedAtUnopened(nil, nil, w.Document, now))
	resp.Diagnostics.Append(plan.seal(content, a, now)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (r *bundleResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var config, plan, state bundleModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.reseal(ctx, config, &plan, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
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
	if diags.HasError() {
		return diags
	}
	sameParams := sealedAlike(before, after, *plan, state)
	carry := carriesOver(w, *plan, state)
	if carry && sameParams {
		plan.keepSealed(state)
		return diags
	}

	ring := r.settings.keyring(ctx)
	opened, err := state.source().Open(state.Ciphertext.ValueString(), ring.Identities)
	if err != nil && (carry || plan.ContentVersion.IsNull()) {
		diags.AddAttributeError(recipientsPath, "The content can't be carried over", openFailed("The bundle's ciphertext", err, ring, openRemedies))
		return diags
	}
	var old bundle.Content
	readable := false
	if err == nil && !carry {
		old, err = opened.Read(state.dialect())
		readable = err == nil
	}
	sameContent := carry || readable && w.Same(old)
	if sameContent && sameParams {
		plan.keepSealed(state)
		return diags
	}

	now := r.settings.now()
	var content bundle.Content
	if sameContent {
		if content, err = bundle.Carry(opened, state.dialect(), params); err != nil {
			diags.Append(notCarried(err))
			return diags
		}
	} else if content, err = bundle.NewContent(w.Document, params); err != nil {
		diags.Append(contentProblem(err, w.path(config)))
		return diags
	}
	switch times := state.changedAt(); {
	case sameContent:
		plan.Keys, plan.ChangedAt = state.Keys, state.ChangedAt
	case readable:
		plan.setKeys(w.Document.Keys())
		plan.setChangedAt(bundle.ChangedAt(times, old.Document, w.Document, now))
	default:
		plan.setKeys(w.Document.Keys())
		plan.setChangedAt(bundle.ChangedAtUnopened(times, state.keys(), w.Document, now))
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
	m.UpdatedAt = types.StringValue(now.Format(time.RFC3339))
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
		elements[key] = types.StringValue(t.Format(time.RFC3339))
	}
	m.ChangedAt = types.MapValueMust(types.StringType, elements)
}

// changedAt reads the times in the state; one that can't be read is left out, as
// not known.
func (m *bundleModel) changedAt() map[string]time.Time {
	at := map[string]time.Time{}
	for key, element := range m.ChangedAt.Elements() {
		if text, ok := element.(basetypes.StringValue); ok {
			if t, err := time.Parse(time.RFC3339, text.ValueString()); err == nil {
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
