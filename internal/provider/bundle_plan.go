package provider

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

const openRemedies = "Or set a new content_version, so that the configured values are encrypted anew without opening the old ones. " +
	"To destroy without an identity: terraform destroy -refresh=false."

// bundlePlan is one planning of a bundle.
type bundlePlan struct {
	settings            *settings
	config, plan, state bundleModel
	create              bool
	wanted              wanted
	access              access
	generated           generatedChange
}

func (r *bundleResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.settings == nil {
		return
	}
	p := bundlePlan{settings: r.settings, create: req.State.Raw.IsNull()}
	resp.Diagnostics.Append(req.Config.Get(ctx, &p.config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &p.plan)...)
	if !p.create {
		resp.Diagnostics.Append(req.State.Get(ctx, &p.state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(p.check(ctx)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if p.create {
		resp.Diagnostics.Append(p.planCreate(ctx)...)
	} else {
		resp.Diagnostics.Append(p.planUpdate(ctx)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	p.settings.plannedBundles.note(p.plan.Format, p.plan.Ciphertext)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &p.plan)...)
}

// check reads what is configured and reports what is wrong with it.
func (p *bundlePlan) check(ctx context.Context) (diags diag.Diagnostics) {
	diags.Append(p.checkArguments()...)
	diags.Append(p.plan.setOperators(ctx, p.settings, p.config, p.state)...)
	var d diag.Diagnostics
	p.access, d = p.plan.access(ctx)
	diags.Append(d...)
	if p.plan.Dialect.IsUnknown() || p.plan.Format.IsUnknown() {
		p.wanted = wanted{configured: p.config.hasContent()} // what of it can be held is not known
	} else {
		p.wanted, d = wantedContent(p.config, p.plan.params(p.access))
		diags.Append(d...)
	}
	p.generated, d = changeGenerated(ctx, p.plan, p.state)
	diags.Append(d...)
	if !p.plan.Dialect.IsUnknown() && !p.plan.Format.IsUnknown() {
		diags.Append(p.generated.check(p.plan.params(p.access), p.wanted, p.access)...)
	}
	if p.access.known && !p.plan.Format.IsUnknown() && !diags.HasError() && !(p.create && p.config.Recipients.IsNull()) {
		diags.Append(checkAccess(p.plan.params(p.access))...)
	}
	return diags
}

// setOperators puts the operators. The state is the zero model where there is none.
// That nobody is an operator is an error, unless the configuration says so here.
func (m *bundleModel) setOperators(ctx context.Context, s *settings, config, state bundleModel) diag.Diagnostics {
	operators, diags := s.operatorsOf(ctx, operatorsPath, config.OperatorRecipients, state.OperatorRecipients)
	m.OperatorRecipients = operators
	nobody := !operators.IsUnknown() && len(operators.Elements()) == 0
	if nobody && config.OperatorRecipients.IsNull() && !operators.Equal(state.OperatorRecipients) {
		diags.AddAttributeError(operatorsPath, "No operator recipient",
			"Only the recipients could open the bundle: whoever runs Terraform would be locked out. Set escrow_recipients in the provider's configuration, or operator_recipients here; operator_recipients = [] opts out.")
	}
	return diags
}

// planOperators warns of a change of operators, and plans when one was last removed.
func (p *bundlePlan) planOperators(ctx context.Context, before access) (diags diag.Diagnostics) {
	p.plan.OperatorRemovedAt = p.state.OperatorRemovedAt
	if !p.access.operatorsKnown {
		p.plan.OperatorRemovedAt = types.StringUnknown()
		return diags
	}
	change := before.operatorChange(p.access)
	if !change.IsEmpty() {
		diags.Append(bundleOperatorsWarning(change, p.state.keys()))
		diags.Append(p.warnUnlessOpenable(ctx)...)
	}
	if len(change.Removed) > 0 {
		p.plan.OperatorRemovedAt = types.StringUnknown()
	}
	return diags
}

// checkArguments reports what a new bundle lacks.
func (p *bundlePlan) checkArguments() (diags diag.Diagnostics) {
	if !p.create {
		return diags
	}
	if !p.config.hasContent() && p.plan.Generated.IsNull() {
		diags.AddAttributeError(entriesPath, "No content", "Set entries_wo, dotenv_wo or generated. A bundle without either keeps the content it has, and a new one has none; to take over an existing file, import it by its path.")
	}
	if p.config.Recipients.IsNull() {
		diags.AddAttributeError(recipientsPath, "No recipients", "Set recipients: who is to open the bundle, usually ageenv_key.….recipients. For operators alone, set recipients = [].")
	}
	return diags
}

func (p *bundlePlan) planCreate(ctx context.Context) (diags diag.Diagnostics) {
	p.markSealed()
	p.plan.OperatorRemovedAt = types.StringNull()
	p.planKeys(p.wanted.Document.Keys())
	p.generated.plan(&p.plan, p.state)
	diags.Append(p.warnUnlessOpenable(ctx)...)
	return diags
}

// warnUnlessOpenable says in this plan what would be an error in the next one.
func (p *bundlePlan) warnUnlessOpenable(ctx context.Context) (diags diag.Diagnostics) {
	if p.config.ContentVersion.IsNull() && p.access.known && p.settings.locksOut(ctx, p.access.all()) {
		diags.AddAttributeWarning(operatorsPath, "The next plan will not be able to open this bundle",
			"None of the identities found here opens it, and without content_version a plan has to open it to see whether the content changed.\n"+keyringState(p.settings.keyring(ctx))+"\n\n"+identityRemedy+" Or set content_version.")
	}
	return diags
}

func (p *bundlePlan) planUpdate(ctx context.Context) (diags diag.Diagnostics) {
	before, _ := p.state.access(ctx)
	resealed := !sealedAlike(before, p.access, p.plan, p.state)

	changed, d := p.contentChanged(ctx)
	diags.Append(d...)
	if diags.HasError() {
		return diags
	}
	generates := p.generated.changes()
	if (resealed || generates) && p.carriesOver() || (changed || resealed || generates) && len(p.generated.kept) > 0 {
		diags.Append(p.checkOpens(ctx)...)
	}
	switch {
	case changed:
		p.markSealed()
		p.planKeys(p.wanted.Document.Keys())
	case generates:
		p.markSealed()
		p.planKeys(slices.DeleteFunc(p.state.keys(), func(name string) bool { return p.generated.names[name] }))
	case resealed || p.differs():
		// On any change of the resource: a value that differs only at apply would
		// otherwise contradict the plan.
		p.markSealed()
		p.plan.Keys = p.state.Keys
		if p.carriesOver() {
			p.plan.ChangedAt = p.state.ChangedAt
		}
	default:
		p.plan = p.state
	}
	p.plan.ID = p.state.ID
	p.generated.plan(&p.plan, p.state)
	diags.Append(p.planOperators(ctx, before)...)
	return diags
}

// planKeys plans the names: those that are given, and those that are generated.
func (p *bundlePlan) planKeys(given []string) {
	if p.generated.known && (p.wanted.known || p.carriesOver()) {
		p.plan.setKeys(slices.Sorted(maps.Keys(withNames(given, p.generated.specs))))
	}
}

// withNames is the set of given and generated names.
func withNames(given []string, generated map[string]generatedModel) map[string]bool {
	names := map[string]bool{}
	for _, name := range given {
		names[name] = true
	}
	for name := range generated {
		names[name] = true
	}
	return names
}

// carriesOver reports whether the content stays what it is, whatever is configured.
func (p *bundlePlan) carriesOver() bool { return carriesOver(p.wanted, p.plan, p.state) }

func carriesOver(w wanted, plan, state bundleModel) bool {
	return !w.configured || !plan.ContentVersion.IsNull() && plan.ContentVersion.Equal(state.ContentVersion)
}

// contentChanged reports whether the content changes, or may.
func (p *bundlePlan) contentChanged(ctx context.Context) (changed bool, diags diag.Diagnostics) {
	switch {
	case p.carriesOver():
		return false, diags
	case !p.plan.ContentVersion.IsNull(), !p.wanted.known:
		return true, diags
	}
	ring := p.settings.keyring(ctx)
	opened, err := p.state.source().Open(p.state.Ciphertext.ValueString(), ring.Identities)
	if err == nil {
		have, err := opened.Read(p.state.dialect())
		if err != nil {
			diags.AddAttributeError(ciphertextPath, "Can't tell whether the content changed", "The bundle's content can't be read: "+sentence(err)+" "+openRemedies)
		}
		have.Document = have.Document.Without(p.generated.names)
		return err == nil && !p.wanted.Same(have), diags
	}
	if errors.Is(err, agekey.ErrNoMatch) && p.settings.identitiesUnknown {
		return true, diags
	}
	// Not on the content's path: where the values are literals, Terraform would
	// print them with the source.
	diags.AddAttributeError(ciphertextPath, "Can't tell whether the content changed", openFailed("The bundle's ciphertext", err, ring, openRemedies))
	return false, diags
}

// checkOpens is an error if the content that is to be carried over can't be opened
// here and no identity is still to come, or if the plan's format or dialect can't
// hold it.
func (p *bundlePlan) checkOpens(ctx context.Context) (diags diag.Diagnostics) {
	ring := p.settings.keyring(ctx)
	opened, err := p.state.source().Open(p.state.Ciphertext.ValueString(), ring.Identities)
	if err == nil {
		if p.carriesOver() && !p.plan.Format.IsUnknown() && !p.plan.Dialect.IsUnknown() {
			if _, err := bundle.Carry(opened, p.state.dialect(), p.plan.params(p.access)); err != nil {
				diags.Append(notCarried(err))
			}
		}
		return diags
	}
	if errors.Is(err, agekey.ErrNoMatch) && p.settings.identitiesUnknown {
		return diags
	}
	diags.AddAttributeError(recipientsPath, "The content can't be carried over",
		openFailed("The bundle's ciphertext", err, ring, p.generated.remedies()))
	return diags
}

// notCarried tells why what is in a bundle can't be written as the plan says.
func notCarried(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("The content can't be carried over",
		"What is in the bundle can't be written in the format and the dialect of the plan: "+sentence(err)+
			" Leave format and dialect as they were, or change the value in the same apply.")
}

// differs reports whether an argument differs from the state. What is not configured
// and unknown is computed: the framework marks it before it compares maps of triggers.
func (p *bundlePlan) differs() bool {
	config, state := attributeValues(p.config), attributeValues(p.state)
	for i, value := range attributeValues(p.plan) {
		if !value.Equal(state[i]) && !(config[i].IsNull() && value.IsUnknown()) {
			return true
		}
	}
	return false
}

// markSealed plans what a sealing changes.
func (p *bundlePlan) markSealed() {
	p.plan.Ciphertext = types.StringUnknown()
	p.plan.CiphertextSHA256 = types.StringUnknown()
	p.plan.UpdatedAt = types.StringUnknown()
	p.plan.ChangedAt = types.MapUnknown(types.StringType)
	p.plan.Keys = types.SetUnknown(types.StringType)
}
