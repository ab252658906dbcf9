package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

const openRemedies = "Or set a new content_version, so that the configured values are encrypted anew without opening the old ones. " +
	"To destroy without an identity: terraform destroy -refresh=false."

func (r *bundleResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.settings == nil {
		return
	}
	c := bundleChange{settings: r.settings, create: req.State.Raw.IsNull()}
	resp.Diagnostics.Append(req.Config.Get(ctx, &c.config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &c.plan)...)
	if !c.create {
		resp.Diagnostics.Append(req.State.Get(ctx, &c.state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(c.check(ctx)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(c.warnValues()...)
	if c.create {
		resp.Diagnostics.Append(c.planCreate(ctx)...)
	} else {
		resp.Diagnostics.Append(c.planUpdate(ctx)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	c.settings.plannedBundles.note(c.plan.Format, c.plan.Ciphertext)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &c.plan)...)
}

// check reads what is configured, and reports early what would fail.
func (c *bundleChange) check(ctx context.Context) (diags diag.Diagnostics) {
	diags.Append(c.checkArguments()...)
	diags.Append(c.read(ctx)...)
	if c.after.known && !c.plan.Format.IsUnknown() && !diags.HasError() && !(c.create && c.config.Recipients.IsNull()) {
		diags.Append(checkAccess(c.plan.params(c.after))...)
	}
	if !diags.HasError() {
		diags.Append(c.checkKubernetes()...)
	}
	return diags
}

// planOperators warns of a change of operators, and plans when one was last removed.
func (c *bundleChange) planOperators(ctx context.Context) (diags diag.Diagnostics) {
	c.plan.OperatorRemovedAt = c.state.OperatorRemovedAt
	if !c.after.operatorsKnown {
		c.plan.OperatorRemovedAt = types.StringUnknown()
		return diags
	}
	change := c.before.operatorChange(c.after)
	if !change.IsEmpty() {
		diags.Append(bundleOperatorsWarning(change, c.state.ID.ValueString(), c.state.keys()))
		diags.Append(c.warnUnlessOpenable(ctx)...)
	}
	if len(change.Removed) > 0 {
		c.plan.OperatorRemovedAt = types.StringUnknown()
	}
	return diags
}

// checkArguments reports what a new bundle lacks.
func (c *bundleChange) checkArguments() (diags diag.Diagnostics) {
	if !c.create {
		return diags
	}
	if !c.config.hasContent() && c.plan.Generated.IsNull() {
		diags.AddAttributeError(entriesPath, "No content", "Set entries_wo, dotenv_wo or generated. A bundle without either keeps the content it has, and a new one has none; to take over an existing file, import it by its path.")
	}
	if c.config.Recipients.IsNull() {
		diags.AddAttributeError(recipientsPath, "No recipients", "Set recipients: who is to open the bundle, usually ageenv_key.….recipients. For operators alone, set recipients = [].")
	}
	return diags
}

func (c *bundleChange) planCreate(ctx context.Context) (diags diag.Diagnostics) {
	c.markSealed()
	c.plan.OperatorRemovedAt = types.StringNull()
	c.planEffect(c.request().Effect(bundle.Prior{}, nil))
	c.generated.plan(&c.plan, c.state)
	diags.Append(c.warnUnlessOpenable(ctx)...)
	return diags
}

// warnUnlessOpenable says in this plan what would be an error in the next one.
func (c *bundleChange) warnUnlessOpenable(ctx context.Context) (diags diag.Diagnostics) {
	if c.config.ContentVersion.IsNull() && c.after.known && c.settings.locksOut(ctx, c.after.all()) {
		diags.AddAttributeWarning(operatorsPath, "The next plan will not be able to open this bundle",
			"None of the identities found here opens it, and without content_version a plan has to open it to see whether the content changed.\n"+keyringState(c.settings.keyring(ctx))+"\n\n"+identityRemedy+" Or set content_version.")
	}
	return diags
}

func (c *bundleChange) planUpdate(ctx context.Context) (diags diag.Diagnostics) {
	action, opened, content, d := c.decide(ctx)
	diags.Append(d...)
	if diags.HasError() {
		return diags
	}
	if action != bundle.Keep && c.carriesOver() {
		diags.Append(c.checkCarried(opened, content)...)
	}
	if action == bundle.Keep && !c.differs() {
		c.plan = c.state
	} else {
		// On any change of the resource: what is unknown now may turn out to be anything,
		// and a dotenv_wo may be ordered in another way at apply.
		c.markSealed()
		effect := c.request().Effect(c.prior, content)
		c.planEffect(effect)
		diags.Append(c.valuesWarning(action, effect)...)
	}
	c.plan.ID = c.state.ID
	c.generated.plan(&c.plan, c.state)
	diags.Append(c.planOperators(ctx)...)
	return diags
}

// checkCarried is an error if the plan's format or readers can't hold the content that
// is carried over, together with what is generated. It is not checked while one of these or an
// identity is unknown.
func (c *bundleChange) checkCarried(opened bundle.Opened, content *bundle.Content) (diags diag.Diagnostics) {
	if opened.Format == "" || c.plan.Format.IsUnknown() || c.plan.Dialect.IsUnknown() || !readersKnown(c.plan.Readers) || c.plan.kubernetesUnknown() {
		return diags
	}
	params := c.plan.params(c.after)
	var err error
	if !c.generated.Changes() {
		_, err = bundle.Carry(opened, c.state.params(c.before), params)
	} else if content != nil && !c.generated.NamesUnknown {
		doc := content.Document.Without(namesOf(c.generated.Dropped)).Overlay(c.generated.samples(c.generated.Fresh))
		_, err = bundle.NewContent(doc, params)
	}
	if err != nil {
		diags.Append(notCarried(err))
	}
	return diags
}

// markSealed plans what a sealing changes.
func (c *bundleChange) markSealed() {
	c.plan.Ciphertext = types.StringUnknown()
	c.plan.ChangedAt = types.MapUnknown(types.StringType)
}
